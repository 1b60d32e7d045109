"""`bin/chaos [--minutes N] [--seed N]`: random faults under load; exits 1 on any violation."""

import argparse
import asyncio
import random
import socket
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from chaos.faults import FAULTS
from chaos.instance import Instance
from chaos.load import Clients
from chaos.promises import violations

IMAGES = Path(__file__).parent.parent / ".triform" / "images"
CLIENTS = 6


@dataclass(slots=True)
class Report:
    faults: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    answered: int = 0


async def torment(seconds: float, seed: int, folder: Path, names: list[str]) -> Report:
    """Rounds of load with one fault each; the promises are asked after every round."""
    chance, report = random.Random(seed), Report()  # noqa: S311
    instance = Instance(folder, IMAGES, _free_port())
    instance.disk.mount()
    try:
        await instance.start()
        await _rounds(instance, seconds, chance, names, report)
    finally:
        await instance.stop()
        instance.disk.unmount()
    return report


async def _rounds(
    instance: Instance, seconds: float, chance: random.Random, names: list[str], report: Report
) -> None:
    """Every fault once, however long that takes, then any."""
    clients = Clients(instance.url, chance)
    await clients.prepare()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    order = list(names)
    while (order or loop.time() - begun < seconds) and not report.violations:
        name = order.pop() if order else chance.choice(names)
        await _round(instance, clients, name, chance, report)


async def _round(instance: Instance, clients: Clients, name: str, chance: random.Random, report: Report) -> None:
    before = len(clients.memory.answered)
    over = asyncio.Event()
    working = [asyncio.create_task(clients.work(over.is_set)) for _ in range(CLIENTS)]
    await asyncio.sleep(chance.uniform(0.5, 2.0))
    await FAULTS[name](instance, chance)
    await asyncio.sleep(chance.uniform(0.5, 2.0))
    over.set()
    await asyncio.gather(*working)
    if not instance.alive:
        report.violations.append(f"{name}: the server ended by itself")
        return
    async with clients.session() as session:
        found = await violations(session, instance.url, clients.memory.answered)
    report.faults[name] = report.faults.get(name, 0) + 1
    report.answered = len(clients.memory.answered)
    report.violations += [f"{name}: {each}" for each in found]
    print(f"{name}: {report.answered - before} answers, {len(found)} violations", flush=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> int:
    options = argparse.ArgumentParser(prog="bin/chaos", description=__doc__)
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--seed", type=int, default=random.randrange(2**32))  # noqa: S311
    options.add_argument("--fault", choices=list(FAULTS), action="append", help="only this one; may be repeated")
    chosen = options.parse_args()
    print(f"seed {chosen.seed}")
    with tempfile.TemporaryDirectory(prefix="triform-chaos-") as name:
        names = chosen.fault or list(FAULTS)
        report = asyncio.run(torment(chosen.minutes * 60, chosen.seed, Path(name), names))
        for each in report.violations:
            print(f"VIOLATION {each}")
        if report.violations:
            print((Path(name) / "server.log").read_text()[-4000:], file=sys.stderr)
    rounds = sum(report.faults.values())
    print(f"{rounds} faults, {report.answered} answered runs, {len(report.violations)} violations")
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
