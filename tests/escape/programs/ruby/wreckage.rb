
# By name, what is done to the harness's ground; one line of Ruby each, run at the top level.
WRECKS = {
  "Integer#+" => "class Integer\n  def +(_other) = 1\nend",
  "Integer#>=" => "class Integer\n  def >=(_other) = true\nend",
  "Integer#/" => "class Integer\n  def /(_other) = 0\nend",
  "Integer#==" => "class Integer\n  def ==(_other) = false\nend",
  "Array#pack" => "class Array\n  def pack(*) = 'x'\nend",
  "Array#shift" => "class Array\n  def shift(*) = nil\nend",
  "Array#each" => "class Array\n  undef_method :each\nend",
  "Hash#[]" => "class Hash\n  def [](_key) = nil\n  def fetch(*) = nil\nend",
  "Hash#delete" => "class Hash\n  def delete(_key) = nil\nend",
  "String#<<" => "class String\n  def <<(_other) = self\nend",
  "String#==" => "class String\n  def ==(_other) = false\n  def ===(_other) = false\nend",
  "String#bytesize" => "class String\n  def bytesize = 0\nend",
  "String#unpack1" => "class String\n  def unpack1(*) = nil\nend",
  "String#slice!" => "class String\n  def slice!(*) = ''\nend",
  "String#+@" => "class String\n  def +@ = nil\nend",
  "Symbol#to_proc" => "class Symbol\n  def to_proc = proc { 1 }\nend",
  "Module#===" => "class Module\n  def ===(_other) = false\nend",
  "Proc#call" => "class Proc\n  def call(*) = nil\nend",
  "Exception#initialize" => "class Exception\n  def initialize(*) = exit!(1)\nend",
  "BasicObject#!" => "class BasicObject\n  def ! = true\nend",
  "BasicObject#method_missing" => "class BasicObject\n  def method_missing(*) = nil\n  def respond_to_missing?(*) = true\nend",
  "NilClass#nil?" => "class NilClass\n  def nil? = false\nend",
  "Thread::Mutex#synchronize" => "class Thread::Mutex\n  def synchronize = nil\nend",
  "Kernel#fork" => "module Kernel\n  def fork = nil\nend\nmodule Process\n  def self.fork = nil\n  def self.spawn(*) = nil\n  def self._fork = 7\nend",
  "IO#write" => "class IO\n  def write(*) = 0\n  def syswrite(*) = 0\n  def flush = nil\nend",
  "IO#autoclose=" => "class IO\n  def autoclose=(_on)\n    raise 'no'\n  end\nend",
  "IO.for_fd" => "class IO\n  def self.for_fd(*) = nil\n  def self.new(*) = nil\nend",
  "ENV.update" => "def ENV.update(*) = raise('no')",
  "OpenSSL" => "module OpenSSL\n  module Random\n    def self.random_add(*) = raise('no')\n  end\nend",
  "constants" => "%i[Triform IO Process JSON].each { |name| Object.send(:remove_const, name) }",
  "tracing" => "TracePoint.new(:line, :call, :c_call) { |at| raise 'x' if at.path.to_s.start_with?('/harness') }.enable",
  "frozen classes" => "[Kernel, Process, IO, String, Array, Hash, Integer].each(&:freeze)",
  "every descriptor" => "(3..255).each { |fd| IO.for_fd(fd).close rescue nil }",
  "descriptors used up" => "$held = []\nbegin\n  loop { $held << File.open('/dev/null') }\nrescue Errno::EMFILE\nend",
  "few descriptors" => "Process.setrlimit(:NOFILE, 5)",
  "few processes" => "Process.setrlimit(:NPROC, 1)",
  "little memory" => "Process.setrlimit(:DATA, 1)",
  "processes used up" => "begin\n  loop { Kernel.syscall(57).zero? && loop { Kernel.syscall(34) } }\nrescue SystemCallError\nend",
  "a namespace of its own" => "Kernel.syscall(272, 0x20000000)",
  "a filter against forking" => "code = [[0x20, 0, 0, 0], [0x15, 0, 1, 56], [6, 0, 0, 0x50001], [6, 0, 0, 0x7fff0000]].map { |op| op.pack('SCCL') }.join\n" \
                                "Kernel.syscall(317, 1, 0, [[4, code].pack('Sx6P')].pack('P').unpack1('J'))",
  "a bell that kills" => "Kernel.syscall(37, 1)",
  "a clock that stops it" => "Process.setrlimit(:CPU, 1)\ntrap('XCPU') { Process.kill(:STOP, Process.pid) }",
  "exit handlers" => "at_exit { sleep }\ntrap('EXIT') { sleep }"
}.freeze

TOPLEVEL_BINDING.eval(WRECKS.fetch(ENV.fetch("ESCAPE")))

def handler(_input) = 7
