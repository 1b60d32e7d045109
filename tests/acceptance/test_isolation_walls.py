"""What code in a sandbox cannot reach: the network, the host, the harness, its own guard."""

import pytest

from tests.acceptance.client import Circle, run_id_of
from tests.acceptance.snippets import snippets

CONNECTING = [
    "TCPSocket.new('127.0.0.1', 80)",
    "TCPSocket.new('::1', 80)",
    "TCPSocket.new('169.254.169.254', 80)",
    "TCPSocket.new('example.com', 443)",
    "TCPServer.new('127.0.0.1', 0)",
    "UDPSocket.new.send('x', 0, '8.8.8.8', 53)",
    "UNIXSocket.new('/run/postgresql/.s.PGSQL.5432')",
    "Socket.new(:INET, :RAW, 1)",
    "Addrinfo.getaddrinfo('example.com', 80)",
    "require 'resolv'; Resolv::DNS.new(nameserver: '8.8.8.8').getaddress('example.com')",
    "require 'net/http'; Net::HTTP.get(URI('http://example.com/'))",
    "require 'open-uri'; URI.open('https://example.com/').read",
    "begin; TCPSocket.new('10.0.0.1', 80); rescue => e; raise ArgumentError, 'no price list'; end",
]


async def test_there_is_no_network_and_the_attempt_fails_at_once_saying_so(circle: Circle) -> None:
    probe = await snippets(circle, timeout_ms=2000)
    for ruby, problem in (await probe.failures(CONNECTING)).items():
        assert problem["code"] == "RUBY_EXECUTION_FAILED", (ruby, problem)
        assert problem["_suggestion"]["code"] == "EGRESS_BLOCKED", (ruby, problem)


async def test_a_program_that_handles_the_refusal_itself_may_go_on(circle: Circle) -> None:
    assert await (await snippets(circle)).value("TCPSocket.new('1.1.1.1', 80) rescue 'offline'") == "offline"


async def test_user_code_is_nobody_special(circle: Circle) -> None:
    found = await (await snippets(circle)).values(
        [
            "Process.pid == 1",
            "Process.uid == 0",
            "File.read('/proc/self/status')[/CapEff:\\s*(\\h+)/, 1].hex",
            "File.read('/proc/self/status')[/NoNewPrivs:\\s*(\\d)/, 1]",
            "Dir.glob('/dev/*').sort - %w[/dev/full /dev/null /dev/random /dev/urandom /dev/zero /dev/shm /dev/fd "
            "/dev/stdin /dev/stdout /dev/stderr /dev/tty /dev/init /dev/first]",
        ]
    )
    assert list(found.values()) == [False, False, 0, "1", []]


RUBYS_OWN = "%i[handler to_s inspect public private include using define_method ruby2_keywords]"


async def test_the_harness_is_one_constant_with_nothing_to_reach_in_it(circle: Circle) -> None:
    found = await (await snippets(circle)).values(
        [
            "Object.constants.grep(/triform|harness|zygote|wire|confine/i)",
            "Triform.constants.sort",
            "Triform.frozen?",
            "begin; Triform::Wire.inspect; rescue NameError; :hidden; end",
            "global_variables.grep(/triform|harness/i)",
            "(private_methods(false) + methods(false) - RUBYS_OWN).map(&:to_s)".replace("RUBYS_OWN", RUBYS_OWN),
            "TOPLEVEL_BINDING.local_variables",
            "Triform.instance_variables",
        ]
    )
    assert list(found.values()) == [["Triform"], ["Error"], True, "hidden", [], [], [], []]


async def test_core_classes_are_as_ruby_made_them(circle: Circle) -> None:
    ancestors = (
        "[Object, Kernel, String, Hash, Array, Integer, Exception, Process].map { |c| c.ancestors.map(&:name) }"
    )
    strange = (
        "ObjectSpace.each_object(Module).flat_map { |m|"
        " (m.instance_methods(false) + m.private_instance_methods(false)).map { |n| m.instance_method(n) } }"
        ".select { |i| i.source_location&.first&.start_with?('/harness') "
        "&& !i.owner.inspect.include?('Triform') }.map(&:inspect)"
    )
    probe = await snippets(circle)
    assert "Triform" not in str(await probe.value(ancestors))
    assert await probe.value(strange) == []


TAMPERING = {
    "closing every file": "ObjectSpace.each_object(IO) { |io| io.close rescue nil }",
    "closing every descriptor": "(3..255).each { |fd| IO.for_fd(fd).close rescue nil }",
    "closing its output": "STDOUT.close; STDERR.close",
    "losing its output": "$stdout = nil; $stderr = nil",
    "replacing methods of Object": (
        "def raise(*) = nil\ndef puts(*) = nil\ndef method(*) = nil\ndef send(*) = nil\ndef fork(*) = nil\n"
        "def freeze(*) = nil\ndef instance_of?(*) = false\ndef class(*) = nil\n"
    ),
    "replacing methods of IO": "class IO\n  def write(*) = raise('no')\n  def flush(*) = raise('no')\nend\n",
    "replacing methods of Process": "module Process\n  def self.fork(*) = nil\n  def self.exit!(*) = nil\nend\n",
    "replacing methods of Hash": "class Hash\n  def each_pair(*) = raise('no')\n  def to_json(*) = 'no'\nend\n",
    "replacing methods of Integer": "class Integer\n  def to_s(*) = 'no'\n  def to_json(*) = 'no'\nend\n",
    "replacing methods of Array": "class Array\n  def each(*) = raise('no')\n  def pack(*) = raise('no')\nend\n",
    "replacing methods of String": "class String\n  def unpack1(*) = nil\n  def encode(*) = raise('no')\nend\n",
    "removing the harness": "Object.send(:remove_const, :Triform)",
    "tracing every call": "TracePoint.new(:call) { |at| raise 'seen' if at.path.start_with?('/harness') }.enable",
    "ignoring signals": "Signal.list.each_key { |name| trap(name, 'IGNORE') rescue nil }",
    "changing directory and environment": "Dir.chdir('/'); ENV.clear",
}


@pytest.mark.parametrize("how", TAMPERING)
async def test_code_that_tampers_breaks_at_most_its_own_runs(circle: Circle, how: str) -> None:
    """The answer is right, or the user's own failure; never a fault of the platform, never a hang."""
    tampering = await circle.ruby(
        TAMPERING[how] + "\ndef handler(input) = { n: 1, list: [1, 'a'] }\n", timeout_ms=3000
    )
    answer = await tampering.invoke({})
    if answer.status_code != 200:
        problem = answer.json()
        assert problem["code"] in ("RUBY_EXECUTION_FAILED", "RUBY_TIMEOUT"), problem
    else:
        assert answer.json() == {"n": 1, "list": [1, "a"]}
    neighbour = await circle.ruby("def handler(input) = :fine\n")
    assert (await neighbour.invoke({})).json() == "fine"


async def test_runs_and_diagnostics_name_the_driver_and_its_weaknesses(circle: Circle) -> None:
    element = await circle.ruby()
    told = (await element.get("/ops/diagnostics")).json()
    assert set(told) >= {
        "isolation_reachable",
        "worker_available",
        "last_error",
        "driver",
        "strength",
        "weaknesses",
    }
    assert (told["isolation_reachable"], told["worker_available"], told["driver"]) == (True, True, "process")
    assert told["strength"]
    assert told["weaknesses"]
    assert len(told["runtime_image"]) == 64
    run = await element.run(run_id_of(await element.invoke({})))
    assert run["isolation"] == "process"


async def test_a_failed_run_names_the_driver_too(circle: Circle) -> None:
    probe = await snippets(circle)
    problem = (await probe.run("raise 'x'")).json()
    assert (await probe.element.run(problem["run_id"]))["isolation"] == "process"
