"""An element's source: every save is a commit, files can be read, what is on a branch can be judged."""

import base64

import pytest

from tests.acceptance.client import ECHO, Circle, refused
from tests.acceptance.conftest import Circles
from tests.acceptance.server import Server
from tests.acceptance.source import branches, git, repository_of

OTHER = "def handler(input)\n  'other'\nend\n"
SECRET = "correct-horse-battery"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n"


async def test_creating_commits_spec_and_code_to_draft_in_the_name_of_who_did_it(
    server: Server, circle: Circle
) -> None:
    element = await circle.ruby(memory_mb=256)
    folder = await repository_of(server, element)
    assert git(folder, "ls-tree", "-r", "--name-only", "draft").split() == [".triform/spec.yaml", "main.rb"]
    assert git(folder, "show", "draft:main.rb") == ECHO
    assert "memory_mb: 256" in git(folder, "show", "draft:.triform/spec.yaml")
    assert ECHO.splitlines()[0] not in git(folder, "show", "draft:.triform/spec.yaml")
    assert (
        git(folder, "log", "-1", "--format=%an|%s|%(trailers:key=Triform-Version,valueonly)", "draft").split("\n")[
            0
        ]
        == f"{circle.name}|created|1"
    )
    assert git(folder, "fsck", "--strict", "--full") == ""


async def test_every_update_is_a_commit_and_the_history_names_it(server: Server, circle: Circle) -> None:
    element = await circle.ruby()
    await element.patch({"spec": {"source": {"code": OTHER}}})
    await element.patch({"name": "Named"})
    versions = (await element.get("/ops/version", params={"history": "true"})).json()["versions"]
    folder = await repository_of(server, element)
    assert [each["commit"] for each in versions] == git(folder, "rev-list", "draft").split()
    assert [each["summary"] for each in versions] == git(folder, "log", "--format=%s", "draft").splitlines()
    assert git(folder, "show", f"{versions[2]['commit']}:main.rb") == ECHO
    assert git(folder, "show", f"{versions[1]['commit']}:main.rb") == OTHER


async def test_an_api_key_is_named_as_the_author(server: Server, circle: Circle) -> None:
    element = await circle.ruby()
    made = await circle.post("/ops/tokens/create", {"name": "ci <bot>", "role": "member"})
    key = Circle(circle.http, circle.name, made.json()["token"])
    await key.request("PATCH", f"/{element.slug}", json={"name": "By a key"})
    folder = await repository_of(server, element)
    assert git(folder, "log", "-1", "--format=%an %ae", "draft").strip() == (
        f"{circle.name}/ci bot {circle.name}.ci--bot-@{circle.name}.triform.invalid"
    )


async def test_what_is_refused_leaves_no_commit(server: Server, circle: Circle) -> None:
    element = await circle.ruby()
    refused(await element.patch({"spec": {"source": {"code": "def handler("}}}), 422, "RUBY_SYNTAX_ERROR")
    refused(await element.patch({"name": "X"}, headers={"If-Match": '"9"'}), 412, "VERSION_MISMATCH")
    assert git(await repository_of(server, element), "rev-list", "--count", "draft").strip() == "1"


async def test_a_repository_never_has_the_value_of_a_secret(server: Server, circle: Circle) -> None:
    element = await circle.ruby(environment={"KEY": {"secret": True, "value": SECRET}})
    await element.patch({"spec": {"environment": {"KEY": {"secret": True, "value": SECRET + "2"}}}})
    folder = await repository_of(server, element)
    everything = git(folder, "log", "-p", "--all", "--format=%B")
    assert "hmac-sha256:" in everything
    assert SECRET not in everything


async def test_a_slug_that_was_given_away_gets_a_repository_of_its_own(server: Server, circle: Circle) -> None:
    first = await circle.ruby(slug="again")
    before = await repository_of(server, first)
    await first.request("DELETE", "?confirm=true")
    second = await circle.ruby(OTHER, slug="again")
    after = await repository_of(server, second)
    assert after != before
    assert git(after, "rev-list", "--count", "draft").strip() == "1"


async def test_a_file_is_read_by_its_path(circle: Circle) -> None:
    element = await circle.ruby()
    told = (await element.get("/ops/source", params={"path": "main.rb"})).json()
    assert told == {"path": "main.rb", "branch": "draft", "content": ECHO, "encoding": "utf-8", "exists": True}


@pytest.mark.parametrize("path", ["absent.rb", "main.rb/deeper", ".triform", "./main.rb", "a//b", "live.rb"])
async def test_a_file_that_is_not_there_is_empty_and_no_error(circle: Circle, path: str) -> None:
    element = await circle.ruby()
    told = (await element.get("/ops/source", params={"path": path})).json()
    assert (told["content"], told["exists"]) == ("", False)


@pytest.mark.parametrize("path", ["../secret", "a/../../b", "/etc/passwd", "..", "a\0b", "", "x" * 1001])
async def test_paths_that_lead_out_are_refused(circle: Circle, path: str) -> None:
    element = await circle.ruby()
    problem = refused(await element.post("/ops/source", {"path": path}), 422, "INVALID_INPUT")
    assert problem["errors"][0]["pointer"] == "/path"


async def test_a_branch_nothing_was_promoted_to_is_empty(circle: Circle) -> None:
    element = await circle.ruby()
    told = (await element.get("/ops/source", params={"path": "main.rb", "branch": "live"})).json()
    assert (told["branch"], told["exists"]) == ("live", False)
    refused(await element.get("/ops/source", params={"path": "a", "branch": "main"}), 422, "INVALID_INPUT")


async def test_the_readme_is_a_commit_on_draft_and_no_version(server: Server, circle: Circle) -> None:
    element = await circle.ruby()
    assert (await element.get("/ops/readme")).json() == {"content": "", "format": "markdown", "exists": False}
    text = "# Grüße\n\nWhat it does.\n"
    written = (await element.post("/ops/readme_update", {"content": text})).json()
    assert (await element.get("/ops/readme")).json()["content"] == text
    assert (await element.get()).json()["version"] == 1
    folder = await repository_of(server, element)
    assert git(folder, "rev-parse", "draft").strip() == written["commit"]
    assert git(folder, "show", "draft:README.md") == text
    await element.patch({"name": "Later"})
    assert git(folder, "show", "draft:README.md") == text
    assert git(folder, "rev-list", "--count", "draft").strip() == "3"


async def test_writing_a_readme_is_a_run_and_needs_the_right_to_write(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.post("/ops/readme_update", {"content": "x"})
    assert answer.headers["Triform-Run-Id"]
    made = await circle.post("/ops/tokens/create", {"name": "reader", "role": "operator"})
    reader = Circle(circle.http, circle.name, made.json()["token"])
    refused(await reader.post(f"/{element.slug}/ops/readme_update", {"content": "y"}), 403, "FORBIDDEN")
    assert (await reader.get(f"/{element.slug}/ops/readme")).json()["content"] == "x"


@pytest.mark.parametrize("content", [7, None, "x" * ((1 << 20) + 1), PEM])
async def test_a_readme_that_cannot_be_taken_changes_nothing(circle: Circle, content: object) -> None:
    element = await circle.ruby()
    answer = await element.post("/ops/readme_update", {"content": content})
    assert answer.status_code == 422, answer.text
    assert (await element.get("/ops/readme")).json()["exists"] is False


async def test_the_state_of_the_branches_is_told(circle: Circle) -> None:
    element = await circle.ruby()
    told = (await element.get("/ops/source/branches")).json()
    assert [each["name"] for each in told["branches"]] == ["draft", "demo", "live"]
    assert [each["promotes_to"] for each in told["branches"]] == ["demo", "live", None]
    assert [each["version"] for each in told["branches"]] == [1, None, None]
    assert told["default_env"] == "draft"
    assert told["clone_url"] == f"{str(circle.http.base_url).rstrip('/')}/git/{circle.name}/{element.slug}.git"


async def test_the_status_says_where_to_clone_and_that_all_is_well(circle: Circle) -> None:
    element = await circle.ruby()
    told = (await element.get("/ops/source/status")).json()
    assert told["health"] == "healthy"
    assert told["warnings"] == []
    assert told["draft"] == {"commit": (await branches(element))["draft"]["commit"], "version": 1}
    assert told["commands"]["clone"].split()[-2] == told["clone_url"]
    assert told["export"] == {"branches": ["draft"], "commits": 1, "files": 2}
    assert circle.token not in str(told)


async def test_clean_source_is_valid(circle: Circle) -> None:
    element = await circle.ruby()
    answer = await element.post("/ops/source/validate", {})
    assert answer.json() == {"branch": "draft", "valid": True, "problems": []}
    assert "Triform-Run-Id" not in answer.headers


async def test_secret_material_is_found_by_what_it_looks_like_and_never_quoted(circle: Circle) -> None:
    key = "AKIA" + "ABCDEFGHIJKLMNOP"
    element = await circle.ruby(f"def handler(input)\n  key = '{key}'\nend\n")
    answer = await element.post("/ops/source/validate", {})
    (problem,) = answer.json()["problems"]
    assert (problem["rule"], problem["path"], problem["line"]) == ("secret", "main.rb", 2)
    assert key not in answer.text
    status = (await element.get("/ops/source/status")).json()
    assert status["health"] == "warning"


async def test_an_elements_own_secret_is_found_in_its_code_in_any_clothes(circle: Circle) -> None:
    hidden = base64.b64encode(SECRET.encode()).decode()
    element = await circle.ruby(
        f"def handler(input)\n  '{hidden}'\nend\n", environment={"KEY": {"secret": True, "value": SECRET}}
    )
    answer = await element.post("/ops/source/validate", {"branch": "draft"})
    assert [each["rule"] for each in answer.json()["problems"]] == ["secret"]
    assert SECRET not in answer.text


async def test_source_operations_of_another_circle_are_not_found(circle: Circle, new_circle: Circles) -> None:
    element = await circle.ruby()
    other = await new_circle()
    for verb, path in (
        ("GET", "/ops/source?path=main.rb"),
        ("GET", "/ops/readme"),
        ("GET", "/ops/source/status"),
        ("POST", "/ops/source/validate"),
        ("POST", "/ops/source/repair"),
    ):
        url = f"{element.path}{path}"
        answer = await other.http.request(verb, url, headers={"Authorization": f"Bearer {other.token}"})
        refused(answer, 404, "NOT_FOUND")


async def test_the_circle_itself_has_a_source_too(circle: Circle) -> None:
    assert (await circle.post("/ops/readme_update", {"content": "# Us\n"})).status_code == 200
    assert (await circle.get("/ops/readme")).json()["content"] == "# Us\n"
    assert (await circle.get("/ops/source/status")).json()["health"] == "healthy"
