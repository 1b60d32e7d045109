"""Ruby that fails before any handler is called, and what a run finds in its environment."""

import pytest

from tests.acceptance.client import Circle, lines_of, refused, run_id_of
from tests.acceptance.conftest import StartServer, client_of, sign_in

PLATFORM = {"PATH", "HOME", "LANG", "TZ", "TMPDIR"}


def failing(statement: str) -> str:
    return f"puts 'loading'\n{statement}\ndef handler(input) = 1\n"


@pytest.mark.parametrize(
    ("statement", "status", "code", "says"),
    [
        ("raise 'not today'", 500, "RUBY_EXECUTION_FAILED", "RuntimeError: not today (main.rb:2)"),
        ("exit 7", 500, "RUBY_EXECUTION_FAILED", "exit status 7"),
        ("exit!(9)", 500, "RUBY_EXECUTION_FAILED", "exit status 9"),
        ("abort 'no'", 500, "RUBY_EXECUTION_FAILED", "exit status 1"),
        ("throw :up", 500, "RUBY_EXECUTION_FAILED", "UncaughtThrowError"),
        ("def down = down\ndown", 500, "RUBY_EXECUTION_FAILED", "SystemStackError"),
        ("Process.kill(:SEGV, Process.pid); sleep", 500, "RUBY_EXECUTION_FAILED", "SIG"),
        ("eval('1 +')", 422, "RUBY_SYNTAX_ERROR", "syntax"),
        ("$x = 'x' * 400_000_000", 500, "RUBY_MEMORY_EXCEEDED", "while loading"),
    ],
)
async def test_code_that_fails_to_load_is_a_failed_charged_run_that_says_so(
    circle: Circle, statement: str, status: int, code: str, says: str
) -> None:
    element = await circle.ruby(failing(statement))
    problem = refused(await element.invoke({}), status, code)
    assert says in problem["detail"], problem["detail"]
    run = await element.run(problem["run_id"])
    assert (run["status"], run["cost_micro_au"]) == ("failed", 10_000)
    printed = (await element.get("/ops/logs")).json()["lines"]
    assert printed[0]["text"] == "loading"


async def test_code_that_kills_itself_while_loading_is_a_failure(circle: Circle) -> None:
    element = await circle.ruby(failing("Process.kill(:KILL, Process.pid); sleep 1"))
    refused(await element.invoke({}), 500, "RUBY_EXECUTION_FAILED")


@pytest.mark.parametrize(
    "wreck",
    [
        "module Process; def self._fork = raise('no fork'); end",
        "Thread::Mutex.class_eval { def synchronize(*) = exit!(3) }",
    ],
)
async def test_code_that_takes_its_language_apart_while_loading_has_itself_to_blame(
    circle: Circle, wreck: str
) -> None:
    element = await circle.ruby(f"{wreck}\ndef handler(input) = 1\n")
    problem = refused(await element.invoke({}), 500, "RUBY_EXECUTION_FAILED")
    run = await element.run(problem["run_id"])
    assert (run["status"], run["cost_micro_au"]) == ("failed", 10_000)


async def test_loading_has_a_limit_of_its_own(start_server: StartServer) -> None:
    running = start_server(load_timeout_ms=400)
    async with client_of(running) as http:
        circle = await sign_in(http)
        element = await circle.ruby(failing("sleep"), timeout_ms=60_000)
        problem = refused(await element.invoke({}), 504, "RUBY_TIMEOUT")
        assert "while loading" in problem["detail"]
        assert "400 ms" in problem["_suggestion"]["why"]
        run = await element.run(problem["run_id"])
        assert (run["status"], lines_of(run)) == ("failed", ["loading"])
        patient = await circle.ruby("def handler(input)\n  sleep 0.8\n  1\nend\n")
        assert (await patient.invoke({})).json() == 1


async def test_a_load_that_failed_is_remembered_for_its_version(circle: Circle) -> None:
    """The second answer is the first one's failure; only a new version tries again."""
    element = await circle.ruby('raise "at #{Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)}"\n')
    first = (await element.invoke({})).json()
    second = (await element.invoke({})).json()
    assert first["run_id"] != second["run_id"]
    assert first["exception"] == second["exception"]
    await element.patch({"spec": {"source": {"code": "def handler(input) = :mended\n"}}})
    assert (await element.invoke({})).json() == "mended"


async def test_what_is_printed_while_loading_is_kept_with_the_run_that_waited(circle: Circle) -> None:
    element = await circle.ruby(
        "puts 'loading'\nwarn 'careful'\ndef handler(input)\n  puts 'handling'\n  1\nend\n"
    )
    run = await element.run(run_id_of(await element.invoke({})))
    told = {(line["stream"], line["text"]) for line in run["logs"]["lines"]}
    assert told == {("stdout", "loading"), ("stderr", "careful"), ("stdout", "handling")}
    assert lines_of(run)[-1] == "handling"


async def test_exit_hooks_set_while_loading_do_not_run_after_the_handler(circle: Circle) -> None:
    element = await circle.ruby("at_exit { puts 'left over' }\ndef handler(input) = 1\n")
    run = await element.run(run_id_of(await element.invoke({})))
    assert (run["output"], lines_of(run)) == (1, [])


async def test_the_environment_holds_the_platform_s_five_and_the_spec_s(circle: Circle) -> None:
    element = await circle.ruby(
        "def handler(input) = ENV.to_h\n", environment={"GREETING": "Ahoj 🦊", "EMPTY": "", "TZ": "Europe/Prague"}
    )
    found = (await element.invoke({})).json()
    assert set(found) == PLATFORM | {"GREETING", "EMPTY"}
    assert (found["GREETING"], found["EMPTY"]) == ("Ahoj 🦊", "")
    assert found["TZ"] == "Europe/Prague"
    assert found["HOME"] == found["TMPDIR"] == "/tmp"


async def test_the_environment_is_there_before_the_code_loads(circle: Circle) -> None:
    element = await circle.ruby(
        "SEEN = [ENV.fetch('KEY'), ENV.size, Time.now.zone]\ndef handler(input) = SEEN\n",
        environment={"KEY": "value", "TZ": "Asia/Tokyo"},
    )
    assert (await element.invoke({})).json() == ["value", 6, "JST"]


async def test_programs_started_by_a_run_get_the_same_environment(circle: Circle) -> None:
    element = await circle.ruby(
        "def handler(input) = `env`.lines.map { _1[/\\A[^=]+/] }.sort\n", environment={"K": "v"}
    )
    found = set((await element.invoke({})).json()) - {"PWD", "OLDPWD", "SHLVL", "_"}
    assert found == PLATFORM | {"K"}


async def test_a_changed_environment_is_loaded_anew(circle: Circle) -> None:
    element = await circle.ruby("SEEN = ENV['K']\ndef handler(input) = SEEN\n", environment={"K": "one"})
    assert (await element.invoke({})).json() == "one"
    await element.patch({"spec": {"environment": {"K": "two"}}})
    assert (await element.invoke({})).json() == "two"


async def test_nothing_of_the_server_s_environment_reaches_the_code(start_server: StartServer) -> None:
    running = start_server(wallet_grant_micro_au=777_777)
    async with client_of(running) as http:
        circle = await sign_in(http)
        element = await circle.ruby(
            "def handler(input)\n"
            "  Dir.glob('/proc/[0-9]*/environ').map { |path| File.read(path) rescue '' }.join + ENV.to_h.to_s\n"
            "end\n"
        )
        found = (await element.invoke({})).json()
        assert "777777" not in found
        assert "TRIFORM" not in found


async def test_text_is_utf_8_whatever_the_locale(circle: Circle) -> None:
    element = await circle.ruby(
        "# Grüße\ndef handler(input)\n  File.write('/tmp/a', 'žluť')\n"
        "  [Encoding.default_external.name, __ENCODING__.name, File.read('/tmp/a')]\nend\n",
        environment={"LANG": "C"},
    )
    assert (await element.invoke({})).json() == ["UTF-8", "UTF-8", "žluť"]


async def test_code_finds_itself_where_it_expects_to(circle: Circle) -> None:
    element = await circle.ruby(
        "def handler(input) = [__FILE__, __dir__, Dir.pwd, DATA.read, __method__, $PROGRAM_NAME == __FILE__]\n"
        "__END__\nbelow\n"
    )
    file, directory, here, data, name, main = (await element.invoke({})).json()
    assert file.endswith("main.rb")
    assert (directory, data, name, main) == (here, "below\n", "handler", False)
