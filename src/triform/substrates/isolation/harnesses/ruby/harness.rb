# frozen_string_literal: true

# The Ruby harness: loads user code once, then makes one fresh child per run. The wire is drawn in
# ../PROTOCOL.md. User code shares this process, hence three rules for every line below:
#   - one top-level constant, nothing patched, everything private to it and frozen before user code loads;
#   - methods of the core are taken hold of beforehand (core.rb), so that user code may redefine them;
#   - functions are called with an explicit receiver: a user's `def raise` at top level must not be ours.

require "json"
require "socket"
require "stringio"

# The handler's side of the platform: `Triform.progress`, `Triform.log`, `Triform.call`.
module Triform
  ROOM = "#{__dir__}/"
end

%w[core values wire failure confine loader api runner zygote].each { |file| require_relative file }

module Triform
  constants.each { |name| const_get(name).freeze }
  private_constant(*(constants - %i[Error]))
  freeze
end

$PROGRAM_NAME = "triform"
Triform.instance_eval { self::Zygote.new(3).serve }
