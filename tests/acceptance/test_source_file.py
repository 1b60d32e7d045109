"""Code in a file of the element's own repository: what is pushed is what runs, with all files beside it."""

from pathlib import Path

import pytest

from tests.acceptance.client import Circle, Element, refused
from tests.acceptance.clones import Clone, clone
from tests.acceptance.conftest import Circles
from tests.acceptance.server import Server
from tests.acceptance.source import deployed, promoted, repository_of

MAIN = (
    "require_relative 'tax'\ndef handler(input) = { rate: Tax.rate, at: __FILE__, dir: Dir.children('.').sort }\n"
)
TAX = "module Tax\n  def self.rate = File.read('data/rate.txt').to_f\nend\n"


@pytest.fixture
async def element(circle: Circle) -> Element:
    """Without its file yet."""
    answer = await circle.create("tax", {"source": {"type": "file", "path": "lib/main.rb"}})
    assert answer.status_code == 201, answer.text
    return Element(circle, "tax")


@pytest.fixture
async def copy(element: Element, tmp_path: Path) -> Clone:
    return await clone(element, tmp_path)


async def push(copy: Clone, **files: str) -> str:
    for name, text in files.items():
        copy.write({"main": "lib/main.rb", "tax": "lib/tax.rb", "rate": "data/rate.txt"}[name], text)
    commit = await copy.commit()
    await copy.push()
    return commit


# --- before there is a file -----------------------------------------------------------------------------------


async def test_an_element_may_be_made_before_its_file_and_says_so(circle: Circle) -> None:
    answer = await circle.create("early", {"source": {"type": "file", "path": "lib/main.rb"}})
    assert answer.status_code == 201
    (warning,) = answer.json()["warnings"]
    assert warning["pointer"] == "/spec/source/path"
    assert "no lib/main.rb in the repository yet" in warning["message"]


@pytest.mark.parametrize("operation", ["invoke", "deploy"])
async def test_until_it_is_pushed_running_says_what_to_push_where_and_costs_nothing(
    circle: Circle, element: Element, operation: str
) -> None:
    before = await circle.wallet()
    problem = refused(await element.post(f"/ops/{operation}", {}), 409, "SOURCE_FILE_MISSING")
    assert "lib/main.rb" in problem["detail"]
    assert f"Push lib/main.rb to draft of {circle.name}/tax" in problem["_suggestion"]["fix"]
    assert problem["_suggestion"]["op"] == "source_status"
    assert await circle.wallet() == before


# --- what runs ------------------------------------------------------------------------------------------------


async def test_the_pushed_file_runs_with_all_files_beside_it(element: Element, copy: Clone) -> None:
    await push(copy, main=MAIN, tax=TAX, rate="0.25")
    answer = await element.invoke({})
    assert answer.json() == {"rate": 0.25, "at": "/app/lib/main.rb", "dir": [".triform", "data", "lib"]}


async def test_a_push_that_changes_another_file_is_a_version_that_runs_next(element: Element, copy: Clone) -> None:
    await push(copy, main=MAIN, tax=TAX, rate="0.25")
    await deployed(element)
    assert (await element.invoke({})).json()["rate"] == 0.25
    await push(copy, rate="0.5")
    told = (await element.get()).json()
    assert (told["version"], told["state"]) == (3, "ready")
    answer = await element.invoke({})
    assert (answer.json()["rate"], answer.headers["Triform-Version"]) == (0.5, "3")


async def test_the_tree_is_read_only(element: Element, copy: Clone) -> None:
    attempts = ["lib/planted.rb", "lib/main.rb", "planted"]
    code = f"def handler(input) = {attempts}.map {{ |f| File.write(f, 'x') rescue $!.class.name }}\n"
    await push(copy, main=code)
    assert set((await element.invoke({})).json()) <= {"Errno::EROFS", "Errno::EACCES"}


async def test_frames_say_the_files_own_path_and_line(element: Element, copy: Clone) -> None:
    await push(copy, main=MAIN, tax="module Tax\n  def self.rate\n    raise 'no rate'\n  end\nend\n")
    problem = refused(await element.invoke({}), 500, "RUBY_EXECUTION_FAILED")
    assert problem["exception"]["backtrace"] == ["lib/tax.rb:3:in rate", "lib/main.rb:2:in handler"]
    assert "(lib/tax.rb:3)" in problem["detail"]
    source = problem["exception"]["source"]
    assert (source["file"], source["line"], source["context"][2]["text"]) == (
        "lib/tax.rb",
        3,
        "    raise 'no rate'",
    )


async def test_another_file_that_does_not_parse_is_named_when_it_loads(element: Element, copy: Clone) -> None:
    await push(copy, main=MAIN, tax="module Tax\n  def self.rate(\nend\n")
    problem = refused(await element.invoke({}), 422, "RUBY_SYNTAX_ERROR")
    assert problem["detail"].startswith("lib/tax.rb line ")
    assert problem["exception"]["source"]["file"] == "lib/tax.rb"


async def test_environments_run_the_tree_that_was_promoted(element: Element, copy: Clone) -> None:
    await push(copy, main=MAIN, tax=TAX, rate="1")
    await deployed(element)
    await promoted(element, "demo", "live")
    await push(copy, rate="2")
    await deployed(element)
    await promoted(element, "demo")
    await push(copy, rate="3")
    rates = [(await element.invoke({}, params={"env": env})).json()["rate"] for env in ("live", "demo", "draft")]
    assert rates == [1.0, 2.0, 3.0]


async def test_deploy_says_which_file_of_which_commit_runs(element: Element, copy: Clone) -> None:
    commit = await push(copy, main=MAIN, tax=TAX, rate="1")
    answer = (await element.post("/ops/deploy")).json()
    assert answer["source"] == {
        "type": "file", "path": "lib/main.rb", "repository": None, "ref": None, "commit": commit}  # fmt: skip


async def test_inline_code_that_moves_to_a_file_runs_from_there(circle: Circle, tmp_path: Path) -> None:
    """Inline code is main.rb of the repository all along."""
    element = await circle.ruby("def handler(input) = __FILE__\n")
    answer = await element.patch({"spec": {"source": {"type": "file", "path": "main.rb", "code": None}}})
    assert (answer.status_code, answer.json()["warnings"]) == (200, [])
    assert (await element.invoke({})).json() == "/app/main.rb"
    left = await element.patch({"spec": {"source": {"code": "def handler(input) = 1\n"}}})
    assert [each["pointer"] for each in left.json()["warnings"]] == ["/spec/source/code"]
    assert (await element.invoke({})).json() == "/app/main.rb"


# --- what is refused ------------------------------------------------------------------------------------------


async def test_a_push_of_code_that_does_not_parse_is_refused_with_its_file_and_line(
    element: Element, copy: Clone
) -> None:
    await push(copy, main=MAIN, tax=TAX, rate="1")
    copy.write("lib/main.rb", "def handler(input)\n  [\nend\n")
    await copy.commit()
    assert "lib/main.rb line 3" in await copy.refused()
    assert (await element.get()).json()["version"] == 2
    assert (await element.invoke({})).json()["rate"] == 1.0


async def test_a_save_that_names_a_file_that_does_not_parse_is_refused(element: Element, copy: Clone) -> None:
    await push(copy, main=MAIN, tax="def broken(\n", rate="1")
    problem = refused(await element.patch({"spec": {"source": {"path": "lib/tax.rb"}}}), 422, "RUBY_SYNTAX_ERROR")
    assert problem["detail"].startswith("lib/tax.rb line ")
    assert {each["pointer"] for each in problem["errors"]} == {"/spec/source/path"}


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../main.rb", "lib/../../x.rb", "lib/./x.rb", "a//b.rb", "lib/", "a\\b.rb", "a\nb.rb"]
)
async def test_no_path_leads_out_of_the_repository(circle: Circle, path: str) -> None:
    answer = await circle.create("astray", {"source": {"type": "file", "path": path}})
    problem = refused(answer, 422, "INVALID_SPEC")
    assert [each["pointer"] for each in problem["errors"]] == ["/spec/source/path"]


async def test_a_tree_that_has_grown_too_large_to_run_says_so(
    server: Server, element: Element, copy: Clone
) -> None:
    """Each push is small enough; what lies there in the end is not."""
    await push(copy, main=MAIN, tax=TAX, rate="1")
    blob = bytes(5 << 20)
    for number in range(11):
        copy.write(f"data/{number}.bin", blob)
    await copy.commit()
    await copy.push()
    problem = refused(await element.invoke({}), 422, "SOURCE_TOO_LARGE")
    assert "52428800 bytes in all" in problem["detail"]
    assert (await repository_of(server, element)).is_dir()


# --- history --------------------------------------------------------------------------------------------------


async def test_restore_brings_back_all_files_of_then(element: Element, copy: Clone) -> None:
    await push(copy, main=MAIN, tax=TAX, rate="1")
    (copy.folder / "lib/tax.rb").unlink()
    await push(copy, main="def handler(input) = 'alone'\n")
    assert (await element.invoke({})).json() == "alone"
    restored = await element.post("/ops/restore", {"version": 2})
    assert (restored.status_code, restored.json()["version"]) == (200, 5)
    assert (await element.invoke({})).json()["rate"] == 1.0
    await copy.git("pull", "--quiet", "--ff-only")
    assert (copy.folder / "lib/tax.rb").read_text() == TAX
    assert (await element.post("/ops/source/repair", {})).json()["healthy"]


async def test_a_bundle_takes_the_files_along(circle: Circle, element: Element, copy: Clone) -> None:
    await push(copy, main=MAIN, tax=TAX, rate="0.75")
    bundle = await circle.get("/ops/export/bundle")
    other = await circle.http.post("/api/auth/dev", json={"circle_name": f"{circle.name[:20]}-too"})
    elsewhere = Circle(circle.http, other.json()["circle"]["name"], other.json()["token"])
    circle.http.cookies.clear()
    (envelope,) = bundle.json()["elements"]
    answer = await elsewhere.post("/ops/import/bundle", {"bundle_base64": envelope["bundle_base64"]})
    assert (answer.status_code, answer.json()["elements"][0]["warnings"]) == (200, []), answer.text
    assert (await Element(elsewhere, "tax").invoke({})).json()["rate"] == 0.75


async def test_code_can_still_be_validated_by_itself(element: Element) -> None:
    answer = await element.post("/ops/validate_source", {"source": {"code": "def handler(input) = ["}})
    assert (answer.status_code, answer.json()["valid"]) == (200, False)


WAITING = """
def handler(input)
  $stdout.sync = true
  puts 'started'
  sleep if input['hold']
  File.read('data/rate.txt')
end
"""


async def test_a_waiting_run_runs_the_tree_it_was_accepted_for(element: Element, copy: Clone) -> None:
    await push(copy, main=WAITING, rate="1")
    await element.patch({"spec": {"concurrency": {"max": 1}}})
    await copy.git("pull", "--quiet", "--ff-only")
    holding = await element.start({"hold": True})
    await element.printed(holding, "started")
    waiting = await element.start({})
    await push(copy, rate="2")
    await element.cancel(holding)
    run = await element.ended(waiting)
    assert (run["element_version"], run["output"]) == (3, "1")
    assert (await element.invoke({})).json() == "2"


async def test_circles_with_the_very_same_tree_do_not_share_a_folder(
    server: Server, element: Element, copy: Clone, new_circle: Circles, tmp_path: Path
) -> None:
    await push(copy, main="def handler(input) = __dir__\n")
    other = await new_circle()
    await other.create("tax", {"source": {"type": "file", "path": "lib/main.rb"}})
    there = await clone(Element(other, "tax"), tmp_path / "other")
    await push(there, main="def handler(input) = __dir__\n")
    trees = {await each.head("HEAD^{tree}") for each in (copy, there)}
    assert len(trees) == 1
    for each in (element, Element(other, "tax")):
        assert (await each.invoke({})).json() == "/app/lib"
    (tree,) = trees
    assert len(list((server.data_dir / "code").glob(f"*-{tree}"))) == 2
