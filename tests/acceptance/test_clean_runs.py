"""No state crosses runs: each finds the world as the first one did."""

from typing import Any

import anyio
import pytest

from tests.acceptance.client import Circle, lines_of, run_id_of


async def test_a_global_counter_is_one_in_each_of_500_runs(circle: Circle) -> None:
    element = await circle.ruby("$n = 0\ndef handler(input)\n  $n += 1\nend\n")
    counts: list[int] = []

    async def one_after_the_other(times: int) -> None:
        for _ in range(times):
            counts.append((await element.invoke({})).json())

    async with anyio.create_task_group() as callers:
        for _ in range(10):
            callers.start_soon(one_after_the_other, 50)
    assert counts == [1] * 500


async def test_lines_of_runs_that_overlap_never_cross(circle: Circle) -> None:
    element = await circle.ruby(
        "def handler(input)\n  $stdout.sync = true\n  puts \"#{input['who']} before\"\n  sleep 0.3\n"
        "  warn \"#{input['who']} between\"\n  sleep 0.3\n  puts \"#{input['who']} after\"\nend\n"
    )
    names = [f"run-{number}" for number in range(8)]
    started = {name: await element.start({"who": name}) for name in names}
    runs = {name: await element.ended(run_id) for name, run_id in started.items()}
    for name, run in runs.items():
        assert sorted(lines_of(run)) == sorted([f"{name} before", f"{name} between", f"{name} after"])
    assert max(run["started_at"] for run in runs.values()) < min(run["finished_at"] for run in runs.values())


async def _twice(circle: Circle, code: str) -> list[Any]:
    """The answers of two runs of the same element, one after the other."""
    element = await circle.ruby(f"def handler(input)\n{code}\nend\n")
    return [(await element.invoke({})).json() for _ in range(2)]


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("a file in /tmp", "r = Dir.children('/tmp'); File.write('/tmp/left', 'x'); r"),
        ("an environment variable", "r = [ENV['LEFT']].compact; ENV['LEFT'] = 'x'; r"),
        ("shared memory", "r = Dir.exist?('/dev/shm') ? Dir.children('/dev/shm') : []\n"
         "File.write('/dev/shm/left', 'x') rescue nil\nr"),
        ("a patched class", "r = ''.respond_to?(:left) ? ['x'] : []; String.class_eval('def left = 1'); r"),
        ("the working directory", "r = Dir.pwd == '/tmp' ? ['x'] : []; Dir.chdir('/tmp'); r"),
        ("a child process", "r = Dir.children('/proc').grep(/\\A\\d+\\z/).select { |p| "
         "File.read(\"/proc/#{p}/cmdline\").start_with?('sleep') rescue false }\nspawn('sleep', '60')\nr"),
        ("a constant", "r = Object.const_defined?(:LEFT) ? ['x'] : []; Object.const_set(:LEFT, 1); r"),
        ("an exit hook", "r = [*$left]; $left = ['x']; at_exit { $left = ['y'] }; r"),
    ],
)  # fmt: skip
async def test_nothing_is_left_for_the_next_run(circle: Circle, what: str, code: str) -> None:
    assert await _twice(circle, code) == [[], []], what


async def test_random_numbers_differ_from_run_to_run(circle: Circle) -> None:
    element = await circle.ruby(
        "require 'securerandom'\n"
        "def handler(input)\n  [rand(2**60), Random.new.rand(2**60), SecureRandom.hex]\nend\n"
    )
    answers = [(await element.invoke({})).json() for _ in range(5)]
    for column in zip(*answers, strict=True):
        assert len(set(column)) == 5


async def test_what_loading_prints_belongs_to_no_run_but_what_a_run_prints_does(circle: Circle) -> None:
    element = await circle.ruby("def handler(input)\n  puts 'mine'\nend\n")
    for _ in range(3):
        assert lines_of(await element.run(run_id_of(await element.invoke({})))) == ["mine"]
