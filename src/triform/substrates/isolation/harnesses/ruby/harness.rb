# frozen_string_literal: true

# The Ruby harness: loads user code once, then makes one fresh child per run. ../PROTOCOL.md draws the wire.
# User code shares this process, hence three rules for every line of it:
#   - one top-level constant, nothing patched, everything below it private and frozen before user code loads;
#   - methods of the core are taken hold of beforehand (core.rb): user code may redefine them;
#   - functions are called with an explicit receiver: a user's `def raise` at top level must not be ours.

require "json"
require "socket"
require "stringio"

# What user code may call: `Triform.progress`, `Triform.log`, `Triform.call`, and `Triform::Error`.
module Triform
  ROOM = "#{__dir__}/"
  %w[core values wire failure confine loader line runner zygote].each { |file| require_relative file }

  $PROGRAM_NAME = "triform"
  constants.each { |name| const_get(name).freeze unless name == :LINE }
  private_constant(*(constants - %i[Error]))
  freeze
  Zygote.new(3).serve
end
