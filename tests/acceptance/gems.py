"""Gems for tests: written here, built by RubyGems itself in a sandbox of the server under test."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.acceptance.client import Circle, Element

BUILD = """
require "rubygems/package"
require "fileutils"

def handler(input)
  FileUtils.mkdir_p("/tmp/gem")
  Dir.chdir("/tmp/gem")
  input["files"].each { |name, text| FileUtils.mkdir_p(File.dirname(name)) && File.write(name, text) }
  spec = input["gemspec"].empty? ? written(input) : eval(input["gemspec"])
  spec.files = input["files"].keys
  spec.executables &= spec.files.map { |name| name.delete_prefix("#{spec.bindir}/") }
  file = Gem::DefaultUserInteraction.use_ui(Gem::SilentUI.new) { Gem::Package.build(spec, true) }
  { file: file, data: [File.binread(file)].pack("m0") }
end

def written(input)
  Gem::Specification.new do |it|
    it.name, it.version, it.extensions = input.values_at("name", "version", "extensions")
    it.authors, it.summary = ["tests"], "a gem of tests"
    input["dependencies"].each { |name, wanted| it.add_dependency(name, *wanted) }
  end
end
"""


@dataclass(frozen=True)
class Gem:
    name: str
    version: str
    files: Mapping[str, str]
    dependencies: Mapping[str, Sequence[str]] = field(default_factory=dict)
    extensions: Sequence[str] = ()
    gemspec: str = ""
    """Its specification, if it has one; else one is written."""


def pure(name: str, version: str, **needs: str) -> Gem:
    """A gem whose module says its version: `Alpha::VERSION`."""
    text = f"module {name.capitalize()}\n  VERSION = '{version}'\nend\n"
    return Gem(name, version, {f"lib/{name}.rb": text}, {other: [wanted] for other, wanted in needs.items()})


def native(name: str, extconf: str, c: str = "") -> Gem:
    files = {f"lib/{name}.rb": "", f"ext/{name}/extconf.rb": extconf, f"ext/{name}/{name}.c": c}
    return Gem(name, "1.0", files, {}, [f"ext/{name}/extconf.rb"])


ANSWER_C = """
#include <ruby.h>
static VALUE answer(VALUE self) { return INT2NUM(42); }
void Init_adder(void) { rb_define_global_function("native_answer", answer, 0); }
"""
MAKEFILE = "require 'mkmf'\ncreate_makefile('{0}/{0}')\n"

NOTHING_TO_MAKE = """
File.write('Makefile', "all:\\n\\ninstall:\\n\\nclean:\\n\\n")
"""
PRYING = """
require 'mkmf'
require 'socket'
saw = {}
attempt = lambda do |name, &work|
  saw[name] = begin
    work.call
    'open'
  rescue SystemCallError, SocketError => e
    e.class.name
  end
end
attempt.call('shadow') { File.read('/etc/shadow') }
attempt.call('root home') { Dir.children('/root') }
attempt.call('write image') { File.write('/usr/lib/planted', 'x') }
attempt.call('write app') { File.write('/app/planted', 'x') }
attempt.call('write gems') { File.write('/app/gems/planted', 'x') }
attempt.call('loopback') { TCPSocket.new('127.0.0.1', %PORT%) }
attempt.call('udp') { UDPSocket.new.send('x', 0, '1.1.1.1', 53) }
attempt.call('unix') { UNIXSocket.new('/tmp/.s.PGSQL.5432') }
attempt.call('name') { Addrinfo.getaddrinfo('example.com', 80) }
attempt.call('mount') { syscall(165, +'x', +'/mnt', +'tmpfs', 0, 0) }
saw['environment'] = ENV.keys.grep(/TRIFORM|SECRET|PASSWORD|GEM_SOURCE/).join(',')
saw['processes'] = Dir.children('/proc').grep(/^[0-9]+$/).count do |pid|
  File.read("/proc/#{pid}/cmdline").match?(/postgres|triform.cli/)
rescue SystemCallError
  false
end
File.write('../../lib/prying.rb', "module Prying\\n  SAW = #{saw.inspect}\\nend\\n")
"""
"""Looks around while it is built, and leaves what it saw in its own library."""

GEMS = (
    pure("alpha", "1.0.0"),
    pure("alpha", "1.1.0"),
    pure("alpha", "2.0.0"),
    pure("beta", "1.0.0", alpha="~> 1.0"),
    pure("beta", "2.0.0", alpha="~> 2.0"),
    pure("gamma", "1.0.0", alpha="< 2"),
    pure("onjson", "1.0.0", json=">= 1"),
    native("adder", MAKEFILE.format("adder"), ANSWER_C),
    native(
        "lacking",
        "require 'mkmf'\nhave_header('libpq-fe.h') or abort 'no'\n" + MAKEFILE.format("lacking"),
    ),
    native("linking", f"File.symlink('/etc/passwd', '../../lib/passwd')\n{NOTHING_TO_MAKE}"),
    native("endless", "require 'mkmf'\n$stdout.sync = true\nsleep\n"),
)


async def build(circle: Circle, gems: Sequence[Gem], folder: Path) -> None:
    """Puts the files of gems into a folder."""
    smith = await circle.ruby(BUILD, memory_mb=256)
    for gem in gems:
        answer = await smith.invoke({**gem.__dict__})
        assert answer.status_code == 200, answer.text
        draft = folder / f".{gem.name}"
        draft.write_bytes(base64.b64decode(answer.json()["data"]))
        draft.rename(folder / answer.json()["file"])


async def requiring(circle: Circle, *entries: str, code: str = "def handler(input) = 1\n") -> Element:
    """An element that requires gems; not deployed."""
    return await circle.ruby(code, source={"type": "inline", "code": code, "requirements": list(entries)})


async def deployed(element: Element) -> Any:
    answer = await element.post("/ops/deploy")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def require(element: Element, *entries: str) -> None:
    """Another version, with these requirements."""
    answer = await element.patch({"spec": {"source": {"requirements": list(entries)}}})
    assert answer.status_code == 200, answer.text
