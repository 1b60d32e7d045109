"""Every operation of the source document is as written there: verb, path, both doors, level, answer, refusals."""

from typing import Any

import httpx2
import pytest

from tests.acceptance.access import ROLES, key
from tests.acceptance.client import HOLD, Circle, refused
from tests.acceptance.conformance import TABLE, Refusal, Row, Scene, scene
from tests.acceptance.conftest import Circles
from tests.shipped import CATALOGUE

LEVELS = ("none", "read", "execute", "write", "admin")
ROLE_OF = {level: role for role, level in ROLES.items()}

rows = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)


@pytest.fixture(scope="session")
def known() -> dict[str, Any]:
    """What tests of this process share."""
    return {}


@pytest.fixture
async def common(known: dict[str, Any], http: httpx2.AsyncClient, new_circle: Circles) -> Scene:
    """One scene for everything that changes nothing, or is refused."""
    if not known:
        made = await scene(await new_circle())
        known.update(
            name=made.circle.name, token=made.circle.token, facts={**made.facts, "going": made.facts["run"]}
        )
    return Scene(Circle(http, known["name"], known["token"]), known["facts"])


async def ask(
    scene: Scene, row: Row, verb: str, given: dict[str, Any], *, on: str, token: str = "", **headers: str
) -> httpx2.Response:
    """By its path; what the path does not take goes into the query of a GET, else into the body."""
    path = row.path
    for name in list(given):
        if f"{{{name}}}" in path:
            path = path.replace(f"{{{name}}}", str(given.pop(name)))
    circle = Circle(scene.circle.http, scene.circle.name, token or scene.circle.token)
    texts = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
    how: dict[str, Any] = {"params": texts} if verb == "GET" else {"json": given}
    return await circle.request(verb, f"/{on}/ops/{path}", headers=headers, **how)


async def prepared(circle: Circle, row: Row) -> Scene:
    made = await scene(circle)
    await do(made, row.before)
    if row.name == "run_cancel":
        going = await circle.ruby(HOLD, "going", timeout_ms=60_000)
        run = await going.start({})
        await going.reached(run, "running")
        return Scene(circle, {**made.facts, "going": run})
    return made


async def do(scene: Scene, steps: Any) -> None:
    for slug, path, given in steps:
        answer = await scene.element(slug).post(f"/ops/{path}", dict(given(scene)))
        assert answer.status_code == 200, answer.text


def looked_at(row: Row, answer: httpx2.Response) -> None:
    """The answer has what the document names, and is what chemistry describes."""
    assert answer.status_code == row.status, answer.text
    if row.has is None:
        assert answer.content.startswith(b"# v2 git bundle")
        return
    assert row.has <= answer.json().keys()
    operation = CATALOGUE.type("ruby").operation(row.name)
    assert operation is not None
    assert operation.output.check(answer.json()) == ()


def test_there_are_those_operations_and_no_others_but_ours() -> None:
    ours = {"quote", "run_diff", "run_replay", "runs_replay"}
    declared = CATALOGUE.type("ruby").operations.keys()
    assert len(TABLE) == 43
    assert {row.name for row in TABLE} == declared - ours


@rows
def test_chemistry_declares_verb_path_and_level(row: Row) -> None:
    operation = CATALOGUE.type("ruby").operation(row.name)
    assert operation is not None
    assert (operation.verb, operation.path, operation.level) == (row.verb, row.path, row.level)
    assert operation.success == row.status


@rows
async def test_it_works_by_its_verb_and_by_post_for_the_least_who_may(
    new_circle: Circles, common: Scene, row: Row
) -> None:
    role = ROLE_OF[max(row.level, row.needs or "none", key=LEVELS.index)]
    for verb in dict.fromkeys((row.verb, "POST")):
        ready = common if row.verb == "GET" else await prepared(await new_circle(), row)
        on = "going" if row.name == "run_cancel" else row.on
        token = await key(ready.circle, role)
        looked_at(row, await ask(ready, row, verb, dict(row.given(ready)), on=on, token=token))


@rows
async def test_whoever_is_a_level_below_is_refused(common: Scene, row: Row) -> None:
    needed = max(_on_target(row), row.needs or "none", key=LEVELS.index)
    below = LEVELS[LEVELS.index(needed) - 1]
    token = await key(common.circle, ROLE_OF[below]) if below in ROLE_OF else "trif_nobody"
    answer = await ask(common, row, row.verb, dict(row.given(common)), on=row.on, token=token)
    status, code = (403, "FORBIDDEN") if below in ROLE_OF else (401, "UNAUTHENTICATED")
    refused(answer, status, code)


def _on_target(row: Row) -> str:
    """A project is promoted to demo by members; the operation's own level is asked everywhere else."""
    kind = "project" if row.on == "shop" else "ruby"
    operation = CATALOGUE.type(kind).operation(row.name)
    assert operation is not None
    return operation.level


CASES = [
    pytest.param(row, refusal, id=f"{row.name}-{index}-{refusal.code}")
    for row in TABLE
    for index, refusal in enumerate(row.refusals)
]


@pytest.mark.parametrize(("row", "refusal"), CASES)
async def test_each_documented_refusal_is_typed(
    new_circle: Circles, common: Scene, row: Row, refusal: Refusal
) -> None:
    ready = await scene(await new_circle()) if refusal.before else common
    await do(ready, refusal.before)
    given = dict(refusal.given(ready))
    answer = await ask(ready, row, "POST", given, on=refusal.on or row.on, **refusal.headers)
    refused(answer, refusal.status, refusal.code)
