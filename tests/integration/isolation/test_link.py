"""The line to the launcher: requests that can wait travel with others, and each gets its own answer."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from triform.substrates.isolation.drivers.process.link import Link
from triform.substrates.isolation.interfaces import DriverFault


@pytest.fixture
async def link() -> AsyncIterator[Link]:
    link = Link()
    await link.start()
    yield link
    await link.stop()


async def test_a_request_that_can_wait_is_answered_though_no_other_comes(link: Link) -> None:
    async with asyncio.timeout(10):
        assert "controllers" in await link.ask("about", hurry=False)


async def test_requests_that_go_along_with_others_get_answers_of_their_own(link: Link) -> None:
    async with asyncio.timeout(10):
        held = [asyncio.ensure_future(link.ask("about", hurry=False)) for _ in range(3)]
        refused = asyncio.ensure_future(link.ask("nonsense", hurry=False))
        answers = await asyncio.gather(*held, refused, link.ask("about"), return_exceptions=True)
    assert isinstance(answers[3], DriverFault)
    told = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len({answer["id"] for answer in told}) == len(told) == 4


async def test_a_thousand_at_once_do_not_have_to_fit_into_one_message(link: Link) -> None:
    async with asyncio.timeout(30):
        wide = "x" * 200
        answers = await asyncio.gather(*(link.ask("about", hurry=False, said=wide) for _ in range(1000)))
    assert len(answers) == 1000


async def test_whoever_waits_when_the_line_is_cut_is_told(link: Link) -> None:
    waiting = asyncio.ensure_future(link.ask("about", hurry=False))
    await asyncio.sleep(0)
    await link.stop()
    with pytest.raises(DriverFault):
        await waiting
    with pytest.raises(DriverFault):
        await link.ask("about", hurry=False)
