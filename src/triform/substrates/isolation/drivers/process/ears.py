"""Descriptors that are listened to for the length of a run.

A loop's own reader costs a handle and several system calls each time; a run has three descriptors, and usually one
of them speaks once. Here the loop reads from a single epoll instance, and a descriptor costs one call.
"""

import asyncio
import select
from collections.abc import Callable

_ONCE = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLONESHOT


class Ears:
    """Belongs to the loop that runs when it is made."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._heard: dict[int, Callable[[], None]] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._epoll.fileno(), self._listen)

    def once(self, descriptor: int, heard: Callable[[], None]) -> None:
        """Calls `heard` when there is something to read, or the other end is gone; then not again until asked."""
        if descriptor in self._heard:
            self._epoll.modify(descriptor, _ONCE)
        else:
            self._epoll.register(descriptor, _ONCE)
        self._heard[descriptor] = heard

    def forget(self, descriptor: int) -> None:
        """To be said before a descriptor is closed; nothing if it was never listened to."""
        if self._heard.pop(descriptor, None):
            self._epoll.unregister(descriptor)

    def close(self) -> None:
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._heard.clear()

    def _listen(self) -> None:
        for descriptor, _ in self._epoll.poll(0):
            if heard := self._heard.get(descriptor):
                heard()
