"""A real server, circles in it and forms beside it, for the tests of `apply` and `export`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx2

from triform.cli.login import dev_sign_in
from triform.cli.sessions import stored_sessions

if TYPE_CHECKING:
    from tests.cli.conftest import Ended, Triform

Json = Any

ECHO = "def handler(input)\n  input\nend\n"
SHOP = """
project: {slug: shop, intention: Sell things}
elements:
- element_type: ruby
  slug: total
  spec:
    source:
      code: |
        def handler(input)
          [ENV['RATE'], input]
        end
- element_type: variable
  slug: rate
  spec: {value: 7}
attachments:
- source: rate
"""


@dataclass
class Bench:
    """A circle, the folder forms lie in, and the command line."""

    triform: "Triform"
    url: str
    circle: str
    token: str
    folder: Path

    def form(self, text: str | Mapping[str, Any], name: str = "project.yaml") -> Path:
        file = self.folder / name
        file.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
        return file

    def apply(self, text: str | Mapping[str, Any], *options: str) -> "Ended":
        """Without a terminal nobody is asked."""
        return self.run("apply", str(self.form(text)), "--yes", *options)

    def run(self, *arguments: str) -> "Ended":
        return self.triform("--circle", self.circle, *arguments)

    def applied(self, text: str | Mapping[str, Any], *options: str) -> Json:
        """The plan and the outcome of an apply that went well."""
        ended = self.apply(text, "--json", *options)
        assert ended.code == 0, ended
        return json.loads(ended.out)

    def exported(self, *what: str) -> str:
        ended = self.run("export", *(what or ("--all",)))
        assert ended.code == 0, ended
        return ended.out

    def http(self, verb: str, path: str = "", body: Json = None, **query: Any) -> Json:
        """As somebody else would, over HTTP."""
        answer = httpx2.request(
            verb, f"{self.url}/api/{self.circle}{path}", json=body, params=query,
            headers={"Authorization": f"Bearer {self.token}"}, trust_env=False, timeout=90,
        )  # fmt: skip
        assert answer.status_code < 300, answer.text
        return answer.json()

    def slugs(self) -> list[str]:
        return [each["slug"] for each in self.http("GET", "/ops/children", limit="500")["children"]]

    def another(self) -> "Bench":
        """A new circle at the same server."""
        return bench(self.triform, self.url, self.folder)


def bench(triform: "Triform", url: str, folder: Path) -> Bench:
    session = dev_sign_in(url, f"c-{uuid4().hex[:20]}")
    stored_sessions().save(session)
    return Bench(triform, url, session.circle, session.token, folder)


def actions(told: Json, part: str = "elements") -> list[tuple[str, str]]:
    """(action, slug) of a plan."""
    name = "slug" if part == "elements" else "source"
    return [(each["action"], each[name]) for each in told["plan"][part]]
