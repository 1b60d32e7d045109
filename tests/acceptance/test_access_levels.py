"""Who may do what: the declared level of every operation, asked of the server, and nothing across circles."""

import pytest

from tests.acceptance.access import ROLES, doors, home, key, knock, reaches
from tests.acceptance.client import Circle, refused
from tests.acceptance.conftest import Circles
from tests.shipped import CATALOGUE
from triform.chemistry.catalogue import ElementType

TYPES = [pytest.param(kind, id=name) for name, kind in CATALOGUE.types.items()]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("kind", TYPES)
async def test_a_role_reaches_exactly_what_chemistry_says(circle: Circle, kind: ElementType, role: str) -> None:
    slug, token = await home(circle, kind), await key(circle, role)
    expected, found = {}, {}
    for operation, verb, path in doors(kind, slug):
        answer = await knock(circle, verb, path, token)
        expected[operation.name, verb] = reaches(role, operation)
        found[operation.name, verb] = answer.status_code != 403
        assert answer.status_code not in (401, 405, 500, 503), (operation.name, verb, answer.text)
    assert found == expected


@pytest.mark.parametrize("role", ROLES)
async def test_a_member_s_session_reaches_what_a_key_of_that_role_does(circle: Circle, role: str) -> None:
    await circle.post("/ops/members/set", {"identity": f"{role}-{circle.name}", "role": role})
    signed_in = await circle.http.post(
        "/api/auth/dev", json={"circle_name": circle.name, "identity": f"{role}-{circle.name}"}
    )
    circle.http.cookies.clear()
    assert (signed_in.status_code, signed_in.json()["role"]) == (200, role), signed_in.text
    kind = CATALOGUE.type("ruby")
    slug = (await circle.ruby()).slug
    for operation, verb, path in doors(kind, slug):
        answer = await knock(circle, verb, path, signed_in.json()["token"])
        assert (answer.status_code != 403) == reaches(role, operation), (operation.name, verb, answer.text)


@pytest.mark.parametrize("kind", TYPES)
async def test_without_a_credential_nothing_is_open(circle: Circle, kind: ElementType) -> None:
    slug = await home(circle, kind)
    for operation, verb, path in doors(kind, slug):
        answer = await knock(circle, verb, path, None)
        refused(answer, 401, "UNAUTHENTICATED")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer"), operation.name


@pytest.mark.parametrize("kind", TYPES)
async def test_a_foreign_circle_answers_like_one_that_never_was(new_circle: Circles, kind: ElementType) -> None:
    """By every verb of every operation, whatever the role, down to the last word of the answer."""
    mine, theirs = await new_circle(), await new_circle()
    absent = Circle(mine.http, f"never-{theirs.name}"[:32], mine.token)
    slug = await home(theirs, kind)
    for operation, verb, path in doors(kind, slug):
        foreign = refused(await knock(theirs, verb, path, mine.token), 404, "NOT_FOUND")
        nobody = refused(await knock(absent, verb, path, mine.token), 404, "NOT_FOUND")
        assert without_place(foreign) == without_place(nobody), operation.name


async def test_the_bare_addresses_of_a_foreign_circle_are_absent_too(new_circle: Circles) -> None:
    mine, theirs = await new_circle(), await new_circle()
    slug = (await theirs.ruby()).slug
    for verb in ("GET", "PATCH", "DELETE"):
        for path in ("", f"/{slug}", f"/{slug}?confirm=true"):
            refused(await knock(theirs, verb, path, mine.token), 404, "NOT_FOUND")
    body = {"element_type": "ruby", "slug": "mine", "spec": {"source": {"code": "def handler(input) = 1\n"}}}
    answer = await theirs.http.post(
        f"{theirs.path}/", json=body, headers={"Authorization": f"Bearer {mine.token}"}
    )
    refused(answer, 404, "NOT_FOUND")
    assert (await theirs.get("/ops/children")).json()["total"] == 1


async def test_a_foreign_run_is_absent_in_one_s_own_circle(new_circle: Circles) -> None:
    mine, theirs = await new_circle(), await new_circle()
    run_id = await (await theirs.ruby()).start({"secret": 1})
    own = await mine.ruby()
    for path in (f"/ops/runs/{run_id}", f"/{own.slug}/ops/runs/{run_id}"):
        refused(await mine.get(path), 404, "NOT_FOUND")
    refused(await own.post(f"/ops/runs/{run_id}/cancel"), 404, "NOT_FOUND")
    logs = await own.get("/ops/logs", params={"since_run_id": run_id})
    assert logs.status_code == 404 or logs.json()["lines"] == []


async def test_a_refusal_says_what_is_needed_and_leaves_no_run(circle: Circle) -> None:
    element = await circle.ruby()
    viewer = await key(circle, "viewer")
    before = await element.runs(operation="*")
    problem = refused(await knock(circle, "POST", f"/{element.slug}/ops/invoke", viewer), 403, "FORBIDDEN")
    assert "execute" in problem["detail"]
    assert await element.runs(operation="*") == before


def without_place(problem: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in problem.items() if name not in ("instance", "trace_id")}
