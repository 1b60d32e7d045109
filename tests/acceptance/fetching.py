"""Elements whose code is to come from a repository elsewhere, and somebody who must not be asked for it."""

import socket

from tests.acceptance.client import Circle, Element, Json


async def fetching(circle: Circle, repository: str, **source: Json) -> Element:
    answer = await circle.create("evil", {"source": {"type": "git", "repository": repository, **source}})
    assert answer.status_code == 201, answer.text
    return Element(circle, "evil")


class Bystander:
    """Somebody on loopback who is not to be spoken to; `heard` says whether anybody did."""

    def __enter__(self) -> "Bystander":
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(0)
        self.port = self._listening.getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    @property
    def heard(self) -> bool:
        """A connection that was made is in the queue, whether or not it has been closed since."""
        try:
            self._listening.accept()
        except BlockingIOError:
            return False
        return True
