# frozen_string_literal: true

require "json"
require "socket"

# The kernel's answer to a call by number; arguments as Kernel#syscall takes them.
def sys(number, *arguments)
  Kernel.syscall(number, *arguments)
  "allowed"
rescue SystemCallError => e
  e.class.name.delete_prefix("Errno::")
end

# What a block gives, or how it was refused.
def attempt
  yield
rescue SystemCallError, SocketError, IOError => e
  e.class.name.delete_prefix("Errno::")
end

def address(bytes) = [bytes].pack("P").unpack1("J")

def escape(name, given)
  return ESCAPES.transform_values { |way| way.call(given) } if name == "every"

  ESCAPES.fetch(name).call(given)
end
