"""What a deploy with gems takes: resolved, fetched from a local index and built; and the same gems again."""

import statistics
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.ours import Client
from tests.acceptance import debian
from tests.acceptance.gems import BUILD, Gem, pure

_AGAIN = 5
_NEEDS = {"requirements": ["httparty ~> 0.21"]}
_CODE = "require 'httparty'\ndef handler(input)\n  { sum: input['a'] + input['b'] }\nend\n"
_NAMES = {"httparty", "mini_mime", "multi_xml"}


@dataclass(frozen=True, slots=True)
class Deploys:
    """Milliseconds; medians of what was repeated."""

    fresh: float
    cached: float
    first_invoke: float

    def line(self) -> str:
        return (
            f"deploy with httparty and its two dependencies: {self.fresh:.0f} ms, the same gems again: "
            f"{self.cached:.1f} ms, the first invoke after it: {self.first_invoke:.1f} ms"
        )


async def deploys(client: Client, source: Path) -> Deploys:
    """`source` is the directory the server takes gems from; it is filled here."""
    await client.create("builder", BUILD)
    for gem in (pure("warm", "1.0"), *(each for each in debian.gems() if each.name in _NAMES)):
        await _build(client, gem, source)
    await _deploy(client, "warm", "require 'warm'\ndef handler(input) = { sum: 3 }\n", {"requirements": ["warm"]})
    fresh, _ = await _deploy(client, "gems-0", _CODE, _NEEDS)
    again = [await _deploy(client, f"gems-{number}", _CODE, _NEEDS) for number in range(1, _AGAIN + 1)]
    cached, invoked = (statistics.median(values) for values in zip(*again, strict=True))
    return Deploys(fresh, cached, invoked)


async def _build(client: Client, gem: Gem, source: Path) -> None:
    told = await client.call("/api/bench/builder/ops/invoke", {**gem.__dict__})
    (source / told["file"]).write_bytes(b64decode(told["data"]))


async def _deploy(client: Client, slug: str, code: str, more: dict[str, Any]) -> tuple[float, float]:
    await client.create(slug, source={"type": "inline", "code": code, **more})
    return await client.timed_deploy(slug)
