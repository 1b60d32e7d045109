
require "fiddle"

# What loading prepares, and how a run finds what an earlier one left and leaves its own.
def native(name, *types) = Fiddle::Function.new(Fiddle::Handle::DEFAULT[name], types.map { |type| { p: Fiddle::TYPE_VOIDP, l: Fiddle::TYPE_LONG, i: Fiddle::TYPE_INT }.fetch(type) }, Fiddle::TYPE_LONG)
def text(bytes) = bytes.to_s.delete("\0").then { |found| found.empty? ? nil : found }

def shared_memory(flags, fd)
  Fiddle::Pointer.new(native("mmap", :p, :l, :i, :i, :i, :l).call(nil, 4096, 3, flags, fd, 0), 4096)
end

def swap(memory, value)
  text(memory[0, 16]).tap { memory[0, 16] = value.ljust(16, "\0") }
end

def through(file, value)
  found = text(File.read(file)) if File.exist?(file)
  File.write(file, value)
  found
end

def pipe_swap(pipe, value)
  found = pipe[0].read_nonblock(100, exception: false)
  pipe[1].syswrite(value)
  found unless found == :wait_readable
end

# Runs in whatever process still is the one that loaded: looks into those it has forked.
def look_into_children
  Dir.glob("/proc/[0-9]*/root/tmp/parcel").filter_map { |path| attempt { File.read(path) } }.last
end

def stolen(value)
  File.write("/tmp/parcel", value)
  $stolen
end

# Machine code (x86_64) that is called in the process that forks, from now on just before it does.
def before_forks(code)
  page = native("mmap", :p, :l, :i, :i, :i, :l).call(nil, 4096, 7, 0x22, -1, 0)
  Fiddle::Pointer.new(page, 4096)[0, code.size / 2] = [code].pack("H*")
  native("__register_atfork", :p, :p, :p, :p).call(page, nil, nil, nil)
end

PLACE = 0x13370000
MAP_THERE = "b809000000bf00003713be00100000ba0300000041ba210010004983c8ff4531c90f05c3" # mmap, shared, once

WAYS = {
  "an open file" => [-> { $file = File.open("/tmp/x", "w+") }, ->(value) { $file.rewind; text($file.read).tap { $file.write(value) && $file.flush } }],
  "a file without a name" => [-> { $file = File.open("/tmp/x", "w+"); File.unlink("/tmp/x") }, ->(value) { $file.rewind; text($file.read).tap { $file.write(value) && $file.flush } }],
  "a place in a file" => [-> { $file = File.open("/app/main.rb") }, ->(_) { $file.sysread(1) == "#" ? nil : "further on" }],
  "a pipe" => [-> { $pipe = IO.pipe }, ->(value) { pipe_swap($pipe, value) }],
  "a pair of sockets" => [-> { $pipe = UNIXSocket.pair }, ->(value) { pipe_swap($pipe, value) }],
  "a counter of events" => [-> { $event = IO.for_fd(Kernel.syscall(290, 0, 0o4000), "r+b") }, lambda { |_|
    found = $event.read_nonblock(8, exception: false)
    $event.syswrite([1].pack("Q"))
    found unless found == :wait_readable
  }],
  "an open folder" => [-> { $folder = Dir.new("/tmp") }, ->(value) { through("/proc/self/fd/#{$folder.fileno}/parcel", value) }],
  "the current folder" => [-> { Dir.chdir("/tmp") }, ->(value) { through("parcel", value) }],
  "the current folder of another disk" => [-> { Dir.chdir("/dev/shm") }, ->(value) { through("parcel", value) }],
  "a mount" => [-> { Kernel.syscall(165, +"tmpfs", +"/bundle", +"tmpfs", 6, 0) }, ->(value) { through("/bundle/parcel", value) }],
  "shared memory" => [-> { $memory = shared_memory(0x21, -1) }, ->(value) { swap($memory, value) }],
  "shared memory of a file" => [-> { File.write("/tmp/x", "\0" * 4096); File.open("/tmp/x", "r+") { |file| $memory = shared_memory(1, file.fileno) } }, ->(value) { swap($memory, value) }],
  "memory without a name" => [-> { $file = IO.for_fd(Kernel.syscall(319, +"x", 0), "r+b") }, ->(value) { $file.rewind; text($file.read).tap { $file.write(value) && $file.flush } }],
  "a thread" => [-> { $seen = nil; Thread.new { loop { $stolen = look_into_children || $stolen; sleep 0.01 } } }, ->(value) { stolen(value) }],
  "a process" => [-> { pipes = [IO.pipe, IO.pipe]; $pipe = [pipes[1][0], pipes[0][1]]; fork { IO.copy_stream(pipes[0][0], pipes[1][1]) } }, ->(value) { pipe_swap($pipe, value) }],
  "a timer" => [-> { trap("ALRM") { $stolen = look_into_children || $stolen }; native("setitimer", :i, :p, :p).call(0, [0, 5000, 0, 5000].pack("q4"), nil) }, ->(value) { stolen(value) }],
  "a trace" => [-> { TracePoint.new(:c_call, :call) { |at| $stolen = look_into_children || $stolen if at.path.start_with?("/harness") }.enable }, ->(value) { stolen(value) }],
  "shared memory of a later moment" => [-> { before_forks(MAP_THERE) }, ->(value) { swap(Fiddle::Pointer.new(PLACE, 4096), value) }],
  "names of sockets" => [-> {}, ->(value) { attempt { UNIXServer.new("\0#{value}") && "bound" }.then { |told| told == "EAFNOSUPPORT" ? nil : told } }],
  "segments with a key" => [-> {}, ->(_) { sys(29, 0x5ca1ab1e, 4096, 0o1777).then { |told| told == "EPERM" ? nil : told } }]
}.freeze

WAYS.fetch(ENV.fetch("ESCAPE"))[0].call

def handler(input)
  found = WAYS.fetch(ENV.fetch("ESCAPE"))[1].call(input["value"])
  return found unless input["stay"]

  puts "staying"
  sleep
end
