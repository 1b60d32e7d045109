# frozen_string_literal: true

# Held before user code can replace them: functions by name, methods as `do_name` with the receiver first.
module Core
  { Process => %i[clock_gettime fork spawn setsid exit! pid wait2 kill warmup], Signal => %i[trap], Dir => %i[chdir],
    Kernel => %i[syscall raise], Random => %i[srand], ObjectSpace => %i[each_object],
    IO => %i[for_fd] }.each do |owner, names|
    names.each { |name| define_singleton_method(name, &owner.method(name)) }
  end
  { IO => %i[write flush], UNIXSocket => %i[recvmsg], Kernel => %i[method class], Hash => %i[each_pair],
    Array => %i[each], BasicObject => %i[__send__], Module => %i[name inspect], TracePoint => %i[disable],
    JSON::Parser => %i[parse] }.each do |owner, names|
    names.map { |name| owner.instance_method(name) }.each do |held|
      define_singleton_method(:"do_#{held.name}") { |on, *all, **kw, &act| held.bind_call(on, *all, **kw, &act) }
    end
  end
  TRACE, SOCKET = TracePoint, UNIXSocket.method(:for_fd)
  PARSER, STATE = JSON::Parser.method(:new), JSON::State.method(:new)
  QUOTE = JSON::Ext::Generator::GeneratorMethods::String.instance_method(:to_json)
  FLOAT, INTEGER = Float.instance_method(:to_s), Integer.instance_method(:to_s)

  def self.parse(text) = do_parse(PARSER.call(text, max_nesting: 0))
  def self.name_of(type) = do_name(type) || do_inspect(type)
  def self.class_of(value) = name_of(do_class(value))
  def self.ms = clock_gettime(::Process::CLOCK_MONOTONIC, :float_millisecond)

  # For what holds no nil: asks nothing of Array, and makes no object of its block, as handing it on would.
  def self.each(list)
    while ((item, *list = list); item) do yield item end
  end

  # The owner of a method; nil when there is no such method, or no way to ask.
  def self.owner(value, name) = attempt { do_method(value, name).owner }

  def self.attempt
    yield
  rescue ::Exception
    nil
  end

  def self.flush = each([[::STDOUT], [::STDERR], [$stdout], [$stderr]]) { |io,| attempt { do_flush(io) } }
end
