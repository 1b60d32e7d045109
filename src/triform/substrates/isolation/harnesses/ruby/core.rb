# frozen_string_literal: true

module Triform
  # Methods the harness calls after user code has loaded, held before user code can replace them.
  module Core
    CLOCK = Process.method(:clock_gettime)
    FORK = Process.method(:fork)
    LEAVE = Process.method(:exit!)
    PID = Process.method(:pid)
    WAIT = Process.method(:wait2)
    WARMUP = Process.method(:warmup)
    TRAP = Signal.method(:trap)
    SYSCALL = Kernel.method(:syscall)
    RAISE = Kernel.method(:raise)
    SRAND = Random.method(:srand)
    FOR_FD = IO.method(:for_fd)
    SOCKET_FOR_FD = UNIXSocket.method(:for_fd)
    RECVMSG = UNIXSocket.instance_method(:recvmsg)
    READ = IO.instance_method(:readpartial)
    WRITE = IO.instance_method(:write)
    FLUSH = IO.instance_method(:flush)
    PARSER = JSON::Parser.method(:new)
    PARSE = JSON::Parser.instance_method(:parse)
    QUOTE = JSON::Ext::Generator::GeneratorMethods::String.instance_method(:to_json)
    STATE = JSON::State.method(:new)
    CLASS = Kernel.instance_method(:class)
    METHOD = Kernel.instance_method(:method)
    SEND = BasicObject.instance_method(:__send__)
    NAME = Module.instance_method(:name)
    INSPECT = Module.instance_method(:inspect)
    EACH_PAIR = Hash.instance_method(:each_pair)
    EACH = Array.instance_method(:each)
    FLOAT_TEXT = Float.instance_method(:to_s)
    INTEGER_TEXT = Integer.instance_method(:to_s)
    SYMBOL_TEXT = Symbol.instance_method(:name)
    TIME_TEXT = Time.instance_method(:strftime)
    TIME_NANOS = Time.instance_method(:nsec)
    TIME_UTC = Time.instance_method(:utc?)

    def self.ms = CLOCK.call(Process::CLOCK_MONOTONIC, :float_millisecond)

    def self.class_name(value)
      type = CLASS.bind_call(value)
      NAME.bind_call(type) || INSPECT.bind_call(type)
    end

    def self.parse(text) = PARSE.bind_call(PARSER.call(text, max_nesting: 0))

    # The owner of a method, nil when there is no such method (a BasicObject has hardly any).
    def self.owner(value, name)
      METHOD.bind_call(value, name).owner
    rescue NameError
      nil
    end
  end
end
