"""No state crosses runs, whatever a run leaves behind."""

import asyncio

import pytest

from tests.acceptance.client import Circle, run_id_of
from tests.acceptance.snippets import snippets

SPOILING = """\
$seen ||= 'nothing'
SHARED = []
CACHE = Hash.new
module Counter; @n = 0; def self.next = @n += 1; end

def handler(input)
  before = [$seen, SHARED.dup, CACHE.dup, Counter.next, ENV['LEFT'], Dir.pwd, File.umask, Random.srand,
            Dir.children('/tmp').sort, Dir.children('/dev/shm').sort, String.method_defined?(:spoiled), $VERBOSE,
            Encoding.default_external.name, Process.getpriority(Process::PRIO_PROCESS, 0), trap('USR1', 'IGNORE')]
  $seen = input['by']; SHARED << input['by']; CACHE[:by] = input['by']; ENV['LEFT'] = input['by']
  File.write('/tmp/left', input['by']); File.write('/dev/shm/left', input['by']); Dir.mkdir('/tmp/dir')
  Dir.chdir('/tmp'); File.umask(0o777); $VERBOSE = true; Encoding.default_external = 'US-ASCII'
  String.class_eval { def spoiled = true }
  Process.setpriority(Process::PRIO_PROCESS, 0, 19)
  before.delete_at(7)
  before
end
"""

LEFT_BEHIND = """\
def handler(input)
  mine = [Process.pid, fork { sleep }, spawn('sleep 1000'), fork { Process.setsid; trap('TERM', 'IGNORE'); sleep }]
  Dir.children('/proc').grep(/\\\\A\\\\d+\\\\z/).map(&:to_i) - mine - [1]
end
"""


async def test_one_run_finds_nothing_of_another(circle: Circle) -> None:
    element = await circle.ruby(SPOILING)
    answers = [(await element.invoke({"by": f"run {n}"})).json() for n in range(4)]
    answers += [
        answer.json()
        for answer in await asyncio.gather(*(element.invoke({"by": f"at once {n}"}) for n in range(6)))
    ]
    fresh = ["nothing", [], {}, 1, None, "/app", 0o022, [], [], False, False, "UTF-8", 0, "DEFAULT"]
    assert answers == [fresh] * 10


async def test_processes_a_run_leaves_behind_are_gone(circle: Circle) -> None:
    element = await circle.ruby(LEFT_BEHIND.replace("\\\\\\\\", "\\\\"))
    for _ in range(3):
        assert (await element.invoke({})).json() == []


async def test_a_child_that_left_its_group_cannot_write_to_a_later_run(circle: Circle) -> None:
    """Even with the pipe of the log in its hands and every signal ignored."""
    probe = await snippets(circle)
    stubborn = "fork { Process.daemon(true, true); loop { puts 'still here'; sleep 0.01 } }; sleep 0.05; :first"
    assert await probe.value(stubborn) == "first"
    answer = await probe.run("sleep 0.2; :second")
    run = await probe.element.run(run_id_of(answer))
    assert (run["output"], run["logs"]["total"]) == ("second", 0)


async def test_shared_memory_and_pipes_made_while_loading_are_not_shared(circle: Circle) -> None:
    """Such code cannot be forked safely: every run loads it anew, and a warning says so."""
    element = await circle.ruby(
        "R, W = IO.pipe\nFILE = File.open('/tmp/x', 'w+')\n"
        "def handler(input)\n"
        "  left = R.read_nonblock(100, exception: false).to_s.sub('wait_readable', '')\n"
        "  W.write('left'); W.flush; FILE.write('left'); FILE.flush\n"
        "  [left, FILE.size]\nend\n"
    )
    for _ in range(3):
        assert (await element.invoke({})).json() == ["", 4]
    deployed = (await element.post("/ops/deploy")).json()
    assert any("files open" in warning for warning in deployed["warnings"])


async def test_threads_started_while_loading_run_anew_for_every_run(circle: Circle) -> None:
    element = await circle.ruby(
        "COUNT = [0]\nThread.new { loop { COUNT[0] += 1; sleep 0.001 } }\nsleep 0.01\n"
        "def handler(input)\n  before = COUNT[0]; sleep 0.03; [before < 40, COUNT[0] > before]\nend\n"
    )
    for _ in range(3):
        assert (await element.invoke({})).json()[0] is True


async def test_random_numbers_differ_between_runs(circle: Circle) -> None:
    element = await circle.ruby(
        "require 'securerandom'\nrequire 'openssl'\nGENERATOR = Random.new\n"
        "def handler(input)\n"
        "  [rand(2**64), Random.rand(2**64), SecureRandom.hex, OpenSSL::Random.random_bytes(8).unpack1('H*'),\n"
        "   [*1..30].shuffle.join, 'x'.object_id && Random.new_seed, `od -An -N8 -tx8 /dev/urandom`]\nend\n"
    )
    answers = await asyncio.gather(*(element.invoke({}) for _ in range(5)))
    for values in zip(*(answer.json() for answer in answers), strict=True):
        assert len(set(values)) == 5, values


async def test_equal_code_of_two_elements_shares_nothing(circle: Circle) -> None:
    code = "TOKEN = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)\ndef handler(input) = TOKEN\n"
    one, other = await circle.ruby(code), await circle.ruby(code)
    assert (await one.invoke({})).json() != (await other.invoke({})).json()


async def test_tmp_is_empty_and_writable_at_start(circle: Circle) -> None:
    probe = await snippets(circle)
    found = await probe.values(
        [
            "Dir.children('/tmp')",
            "Dir.children('/dev/shm')",
            "require 'tempfile'; Tempfile.create('x') { |f| f.write('x'); f.flush; File.size(f.path) }",
            "require 'tmpdir'; Dir.tmpdir",
            "require 'pstore'; PStore.new('/tmp/p').transaction { |s| s[:a] = 1 }",
        ]
    )
    assert list(found.values()) == [[], [], 1, "/tmp", 1]


@pytest.mark.parametrize("memory_mb", [64, 512])
async def test_the_same_holds_for_every_size_of_sandbox(circle: Circle, memory_mb: int) -> None:
    probe = await snippets(circle, memory_mb=memory_mb)
    await probe.value("File.write('/tmp/left', 'x'); $left = 1")
    assert await probe.value("[Dir.children('/tmp'), $left]") == [[], None]
