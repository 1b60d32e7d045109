# frozen_string_literal: true

module Triform
  # Methods the harness needs once user code has loaded, held before user code can replace them.
  module Core
    { Process => %i[clock_gettime fork exit! pid wait2 warmup], Signal => %i[trap], Kernel => %i[syscall raise],
      Random => %i[srand], IO => %i[for_fd] }.each do |owner, names|
      names.each { |name| define_singleton_method(name, &owner.method(name)) }
    end

    { IO => %i[readpartial write flush], Kernel => %i[method], BasicObject => %i[__send__] }.each do |owner, names|
      names.each do |name|
        held = owner.instance_method(name)
        define_singleton_method(:"do_#{name}") { |on, *arguments, &block| held.bind_call(on, *arguments, &block) }
      end
    end

    SOCKET = UNIXSocket.method(:for_fd)
    RECVMSG = UNIXSocket.instance_method(:recvmsg)
    PARSER = JSON::Parser.method(:new)
    PARSE = JSON::Parser.instance_method(:parse)
    QUOTE = JSON::Ext::Generator::GeneratorMethods::String.instance_method(:to_json)
    STATE = JSON::State.method(:new)
    PAIRS = Hash.instance_method(:each_pair)
    ITEMS = Array.instance_method(:each)
    FLOAT = Float.instance_method(:to_s)
    INTEGER = Integer.instance_method(:to_s)
    CLASS = Kernel.instance_method(:class)
    NAME = Module.instance_method(:name)
    INSPECT = Module.instance_method(:inspect)

    def self.parse(text) = PARSE.bind_call(PARSER.call(text, max_nesting: 0))
    def self.name(type) = NAME.bind_call(type) || INSPECT.bind_call(type)
    def self.class_name(value) = name(CLASS.bind_call(value))

    # The owner of a method, nil when there is no such method (a BasicObject has hardly any).
    def self.owner(value, name)
      do_method(value, name).owner
    rescue NameError
      nil
    end
  end
end
