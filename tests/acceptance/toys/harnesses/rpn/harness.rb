# frozen_string_literal: true

# The harness of a language that cannot fork: the loaded process itself becomes the one run it is good for.

require "json"
require "socket"
require_relative "formula"

# Frames over a descriptor; those that come along with one are kept.
class Wire
  attr_reader :descriptors

  def initialize(number)
    @socket = UNIXSocket.for_fd(number)
    @buffer = "".b
    @descriptors = []
  end

  def say(type, **members) = put("J", JSON.generate({ type: type, **members }))

  def put(kind, payload) = @socket.write([payload.bytesize, kind.ord, 0].pack("NCn"), payload)

  def take
    until @buffer.bytesize >= 7 && @buffer.bytesize >= 7 + @buffer.unpack1("N")
      bytes, _, _, *controls = @socket.recvmsg(1 << 16, 0, 512, scm_rights: true)
      exit!(0) if bytes.nil? || bytes.empty?
      @descriptors.concat(controls.flat_map { |control| control.unix_rights || [] })
      @buffer << bytes
    end
    @buffer.slice!(0, 7 + @buffer.unpack1("N")).byteslice(7..)
  end

  def message = JSON.parse(take)
end

# What the protocol asks of a clone, in system calls.
module Confine
  NUMBERS = {
    "x86_64" => { capset: 126, prctl: 157, mount: 165, unshare: 272, seccomp: 317 },
    "aarch64" => { capset: 91, prctl: 167, mount: 40, unshare: 97, seccomp: 277 }
  }.fetch(RbConfig::CONFIG["host_cpu"])

  def self.call(name, *arguments) = Kernel.syscall(NUMBERS.fetch(name), *arguments)
  def self.address(bytes) = [bytes].pack("P").unpack1("J")

  def self.enter(sandbox)
    call(:unshare, 0x0C020000)
    call(:mount, +"tmpfs", +"/tmp", +"tmpfs", 6, +sandbox["tmpfs"])
    call(:mount, +"proc", +"/proc", +"proc", 14, 0)
    call(:prctl, 47, 4, 0, 0, 0)
    header = [0x20080522, 0].pack("L2")
    nothing = "\0" * 24
    call(:capset, address(header), address(nothing))
    program = sandbox["filter"].unpack1("m")
    filter = [program.bytesize / 8, program].pack("Sx6P")
    call(:seccomp, 1, 1, address(filter))
  end
end

control = Wire.new(3)
control.message
control.say("hello", proto: 1, language: "rpn", version: "1")
asked = control.message
formula = Formula.new(File.read("#{asked["root"]}/#{asked["entry"]}"))
stumbles = asked["entry"].start_with?("check") ? [] : formula.stumbles
if stumbles.any?
  error = { kind: "syntax_error", class: "SyntaxError", message: stumbles[0][:message], backtrace: [], errors: stumbles }
  control.say("load_failed", cause: "syntax_error", error: error)
else
  control.say("loaded", ms: 0, warnings: [])
end

control.message # clone
channel, out, err = control.descriptors
$stdout.reopen(out)
$stderr.reopen(err)
$stdout.sync = true
$VERBOSE = nil
run = Wire.new(channel.fileno)
Confine.enter(asked["sandbox"])
run.message # thaw
run.say("ready")
invoke = run.message
body = "".b
body << run.take while body.bytesize < invoke["bytes"]
begin
  output = JSON.generate(formula.of(JSON.parse(body)))
  run.put("D", output)
  run.say("result", run: invoke["run"], bytes: output.bytesize)
rescue Formula::Stumble => e
  place = { file: asked["entry"], line: e.line, label: "formula" }
  run.say("result", run: invoke["run"],
                    error: { kind: "exception", class: "Stumble", message: e.message, backtrace: [place] })
end
