# frozen_string_literal: true

require "fiddle"

# Anonymous shared memory, made while loading: every fork would write to the same bytes.
map = Fiddle::Function.new(
  Fiddle::Handle::DEFAULT["mmap"],
  [Fiddle::TYPE_VOIDP, Fiddle::TYPE_LONG, Fiddle::TYPE_INT, Fiddle::TYPE_INT, Fiddle::TYPE_INT, Fiddle::TYPE_LONG],
  Fiddle::TYPE_VOIDP
)
SHARED = Fiddle::Pointer.new(map.call(nil, 4096, 3, 0x21, -1, 0).to_i, 4096)

def handler(_input)
  SHARED[0, 8] = [SHARED[0, 8].unpack1("Q") + 1].pack("Q")
  SHARED[0, 8].unpack1("Q")
end
