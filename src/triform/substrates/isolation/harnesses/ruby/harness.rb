# frozen_string_literal: true

# The Ruby harness: loads user code once, then makes one fresh child per run. ../PROTOCOL.md draws the wire.
# User code shares this process, hence three rules for every line of it:
#   - one top-level constant, nothing patched; the rest has no name to be reached by, and is frozen;
#   - methods of the core are taken hold of beforehand (core.rb): user code may redefine them;
#   - functions are called with an explicit receiver: a user's `def raise` at top level must not be ours.

require "json"
require "socket"
require "stringio"

# What user code may call: how far the work is (0 to 100, or nil), a structured line for the log, a request.
module Triform
  # The platform refused a request; `code` is its word for it.
  Error = Class.new(StandardError) { attr_accessor :code }

  room = Module.new.set_temporary_name("<Triform>") # for messages; no constant leads there
  room.const_set(:Refused, Error)
  room.const_set(:ROOM, "#{__dir__}/")
  %w[core values wire user zygote].each { |name| room.module_eval(File.read(path = "#{__dir__}/#{name}.rb"), path) }
  line = room::Line.new
  define_singleton_method(:progress) do |percent = nil, text = "", data = nil|
    line.say("progress", percent: percent&.to_f, message: text.to_s, data:)
  end
  define_singleton_method(:log) { |as, text, all = {}| line.say("log", level: as.to_s, message: text.to_s, fields: all) }
  define_singleton_method(:call) { |method, params = {}| line.ask(method.to_s, params) }
  [self, Error, room, *room.constants.map { |name| room.const_get(name) }].each(&:freeze)
  $PROGRAM_NAME = "triform"
  room::Zygote.new(3, line).serve
end
