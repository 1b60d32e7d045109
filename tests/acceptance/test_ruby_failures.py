"""Ruby that fails: always a failed run, always said why, never a hang."""

from typing import Any

import pytest

from tests.acceptance.client import Circle, Element, lines_of, refused, run_id_of
from tests.acceptance.snippets import snippets

PRICE = 10_000

RAISING = """\
class Refused < StandardError; end

def check(order)
  Integer(order.fetch('amount'))
rescue KeyError
  raise Refused, "no amount in #{order}"
end

def handler(input)
  check(input)
end
"""

ENDINGS = {
    "exit": "exit status 0",
    "exit 3": "exit status 3",
    "exit!": "exit status 1",
    "exit!(0)": "exit status 0",
    "abort 'enough'": "exit status 1",
    "Thread.new { Process.exit!(4) }.join": "exit status 4",
    "fork { Process.kill(:KILL, Process.ppid) }; sleep": "SIGKILL",
    "Process.kill(:KILL, Process.pid); sleep": "SIGKILL",
    "Process.kill(:SEGV, Process.pid); sleep": "SIGSEGV",
    "Process.kill(:ABRT, Process.pid); sleep": "SIGABRT",
    "require 'fiddle'; Fiddle::Pointer.new(8)[0, 8]": "SIGSEGV",
    "exec('/bin/true')": "exit status 0",
    "exec('/bin/sh', '-c', 'kill -9 $$')": "SIGKILL",
}

RAISED = {
    "throw :nobody": "UncaughtThrowError",
    "def down = down + 1; down": "SystemStackError",
    "raise Interrupt": "Interrupt",
    "Process.kill(:TERM, Process.pid); sleep": "SignalException",
    "raise NoMemoryError": "NoMemoryError",
    "nil.upcase": "NoMethodError",
    "raise Class.new(StandardError) { def message = raise('no message') }": None,
    "raise Class.new(BasicObject)": "TypeError",
    "Thread.new { raise IOError, 'elsewhere' }.tap { _1.report_on_exception = false }.join": "IOError",
    "loop { raise StopIteration }; raise Exception, 'bare'": "Exception",
    "eval('1 +')": "SyntaxError",
    "require 'timeout'; Timeout.timeout(0.01) { sleep }": "Timeout::Error",
}


async def test_an_exception_tells_class_message_and_where(circle: Circle) -> None:
    element = await circle.ruby(RAISING)
    answer = await element.invoke({"n": 1})
    problem = refused(answer, 500, "RUBY_EXECUTION_FAILED")
    assert problem["detail"] == 'Refused: no amount in {"n"=>1} (main.rb:6)'
    raised = problem["exception"]
    assert (raised["class"], raised["message"]) == ("Refused", 'no amount in {"n"=>1}')
    assert [frame.split(":in ")[0] for frame in raised["backtrace"]] == ["main.rb:6", "main.rb:3", "main.rb:10"]
    assert problem["run_id"] == run_id_of(answer)


async def test_an_exception_shows_the_line_with_its_neighbours(circle: Circle) -> None:
    problem = (await (await circle.ruby(RAISING)).invoke({})).json()
    source = problem["exception"]["source"]
    assert (source["file"], source["line"]) == ("main.rb", 6)
    lines = RAISING.splitlines()
    assert source["context"] == [{"line": n, "text": lines[n - 1]} for n in range(4, 9)]


async def test_an_exception_carries_its_causes(circle: Circle) -> None:
    problem = (await (await circle.ruby(RAISING)).invoke({})).json()
    cause = problem["exception"]["cause"]
    assert cause["class"] == "KeyError"
    assert cause["message"].startswith("key not found")
    assert cause["backtrace"][0].startswith("main.rb:4")
    assert "cause" not in cause


async def test_no_frame_of_the_harness_is_shown(circle: Circle) -> None:
    element = await circle.ruby(
        "require 'json'\ndef handler(input)\n  [3].each { |n| JSON.parse('{' * n) }\nend\n"
    )
    answer = await element.invoke({})
    raised = answer.json()["exception"]
    assert raised["class"] == "JSON::ParserError"
    assert raised["backtrace"][0].startswith("main.rb:3")
    assert any("/json/" in frame for frame in raised["full_backtrace"])
    assert "harness" not in answer.text.lower()


async def test_the_stored_run_tells_the_same_as_the_answer(circle: Circle) -> None:
    element = await circle.ruby(RAISING)
    problem = (await element.invoke({})).json()
    run = await element.run(problem["run_id"])
    assert run["status"] == "failed"
    assert run["error"]["code"] == problem["code"]
    assert run["error"]["exception"] == problem["exception"]
    assert run["error"]["_suggestion"] == problem["_suggestion"]


async def test_processes_that_end_before_the_handler_returns_are_failures(circle: Circle) -> None:
    found = await (await snippets(circle)).failures(ENDINGS)
    for ruby, how in ENDINGS.items():
        assert (found[ruby]["status"], found[ruby]["code"]) == (500, "RUBY_EXECUTION_FAILED"), (ruby, found[ruby])
        assert how in found[ruby]["detail"], (ruby, found[ruby]["detail"])


async def test_whatever_is_raised_is_a_failure_with_its_class(circle: Circle) -> None:
    found = await (await snippets(circle)).failures(RAISED)
    for ruby, kind in RAISED.items():
        assert (found[ruby]["status"], found[ruby]["code"]) == (500, "RUBY_EXECUTION_FAILED"), (ruby, found[ruby])
        assert kind is None or found[ruby]["exception"]["class"] == kind, (ruby, found[ruby])


async def test_a_missing_library_suggests_its_gem_as_a_patch(circle: Circle) -> None:
    element = await circle.ruby("require 'httparty'\ndef handler(input)\n  1\nend\n")
    problem = refused(await element.invoke({}), 500, "RUBY_EXECUTION_FAILED")
    assert "while loading" in problem["detail"]
    assert problem["exception"]["class"] == "LoadError"
    patch = problem["_suggestion"]["patch"]
    assert patch == [{"op": "add", "path": "/source/requirements/-", "value": "httparty"}]


async def test_a_missing_file_of_ones_own_suggests_no_gem(circle: Circle) -> None:
    problem = (await (await snippets(circle)).run("require_relative 'lib/missing'")).json()
    assert problem["exception"]["class"] == "LoadError"
    assert "patch" not in problem["_suggestion"]


@pytest.mark.parametrize("ruby", ["raise 'no'", "exit!", "Process.kill(:KILL, Process.pid); sleep"])
async def test_code_that_fails_is_charged_and_keeps_what_it_printed(circle: Circle, ruby: str) -> None:
    before = (await circle.wallet())["balance_micro_au"]
    probe = await snippets(circle)
    run_id = run_id_of(await probe.run(f"puts 'got here'; {ruby}"))
    run = await probe.element.run(run_id)
    assert lines_of(run) == ["got here"]
    assert run["cost_micro_au"] == PRICE
    assert (await circle.wallet())["balance_micro_au"] == before - PRICE


async def test_abort_prints_its_message(circle: Circle) -> None:
    probe = await snippets(circle)
    run = await probe.element.run(run_id_of(await probe.run("abort 'enough is enough'")))
    assert [line["text"] for line in run["logs"]["lines"] if line["stream"] == "stderr"] == ["enough is enough"]


async def test_ensure_blocks_run_before_a_failure_is_told(circle: Circle) -> None:
    probe = await snippets(circle)
    answer = await probe.run("begin; exit 2; ensure; puts 'tidied'; end")
    assert lines_of(await probe.element.run(run_id_of(answer))) == ["tidied"]


async def test_a_rescued_exit_is_no_failure(circle: Circle) -> None:
    assert await (await snippets(circle)).value("begin; exit 2; rescue SystemExit => e; e.status; end") == 2


async def test_a_backtrace_made_up_by_the_code_is_its_own_failure_and_charged(circle: Circle) -> None:
    made_up = (
        r"def handler(input)"
        + "\n"
        + r"""  raise ArgumentError, 'x', ["main\0.rb:1:in `a'", 'x' * 5000 + ':2']"""
        + "\nend\n"
    )
    element = await circle.ruby(made_up)
    answer = await element.invoke()
    refused(answer, 500, "RUBY_EXECUTION_FAILED")
    assert answer.headers["Triform-Cost-Micro-Au"] == str(PRICE)


async def test_children_left_behind_neither_delay_nor_fail_the_answer(circle: Circle) -> None:
    probe = await snippets(circle)
    run = await _run(probe.element, "5.times { fork { sleep } }; spawn('sleep 1000'); Thread.new { sleep }; :done")
    assert (run["status"], run["output"]) == ("completed", "done")


async def test_an_error_does_not_grow_without_bound(circle: Circle) -> None:
    answer = await (await snippets(circle)).run("raise 'x' * 3_000_000")
    refused(answer, 500, "RUBY_EXECUTION_FAILED")
    assert len(answer.content) < 200_000


async def _run(element: Element, ruby: str) -> Any:
    return await element.run(run_id_of(await element.invoke({"ruby": ruby})))
