# frozen_string_literal: true

# One handler, many questions: what a run is given, does, uses up.
require "json"
require "open3"
require "openssl"
require "securerandom"
require "tmpdir"

$count = 0

PROBES = {
  "echo" => ->(input) { input["value"] },
  "count" => ->(_) { $count += 1 },
  "random" => ->(_) { [rand, Random.rand, SecureRandom.hex(8), OpenSSL::Random.random_bytes(8).unpack1("H*")] },
  "leave files" => lambda { |_|
    seen = Dir.children("/tmp") + Dir.children("/dev/shm")
    File.write("/tmp/left", "x")
    File.write("/dev/shm/left", "x")
    seen
  },
  "pid" => ->(_) { { pid: Process.pid, parent: Process.ppid, uid: Process.uid, gid: Process.gid } },
  "namespaces" => ->(_) { Dir.children("/proc/self/ns").to_h { |name| [name, File.readlink("/proc/self/ns/#{name}")] } },
  "limits" => ->(_) { %i[CORE MSGQUEUE MEMLOCK NOFILE].to_h { |name| [name, Process.getrlimit(name).uniq] } },
  "kill the group" => lambda { |_|
    trap("TERM") { nil }
    [:TERM, :KILL].each { |name| Process.kill(name, 0) }
    sleep 600
  },
  "threads" => ->(_) { Array.new(8) { |at| Thread.new { at * at } }.sum(&:value) },
  "shell" => ->(_) { [`echo $((6 * 7)) | cat`, Open3.capture2("sort", stdin_data: "b\na\n").first] },
  "clock" => ->(_) { [Process.clock_gettime(Process::CLOCK_MONOTONIC), Time.now.year] },
  "files" => lambda { |_|
    File.write("/tmp/a", "one")
    File.rename("/tmp/a", "/tmp/b")
    Dir.mktmpdir { |folder| File.symlink("/tmp/b", "#{folder}/c"); File.read("#{folder}/c") }
  },
  "jit" => ->(_) { defined?(RubyVM::YJIT.enable) ? RubyVM::YJIT.enable.to_s : "none" },
  "status" => lambda { |_|
    File.readlines("/proc/self/status").grep(/\A(Cap|NoNewPrivs|Seccomp)/).to_h { |line| line.chomp.split(":\t") }
  },
  "tree" => lambda { |input|
    input["count"].times { fork { Process.setsid; sleep 600 } }
    puts "planted"
    $stdout.flush
    sleep 600
  },
  "eat" => ->(_) { hoard = []; loop { hoard << ("x" * (1 << 20)) } },
  "child eats" => ->(_) { Process.wait(fork { hoard = []; loop { hoard << ("x" * (1 << 20)) } }) && sleep(600) },
  "child ate" => ->(_) { Process.wait(fork { hoard = []; loop { hoard << ("x" * (1 << 20)) } }) && "survived" },
  "use" => lambda { |input|
    hoard = "x" * (input["mb"] << 20)
    finish = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) + input["cpu_s"]
    nil while Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) < finish
    hoard.bytesize
  },
  "print" => lambda { |input|
    input["lines"].times { |at| puts "line #{at}" }
    warn "to stderr"
    system("echo from a child")
    $stdout.flush
    "printed"
  },
  "print and stay" => lambda { |input|
    input["lines"].times { |at| puts "line #{at}" }
    $stdout.flush
    sleep 600
  },
  "flood" => ->(_) { loop { $stdout.write("x" * 65_536) } },
  "large" => ->(input) { "x" * input["bytes"] },
  "exit hard" => ->(_) { exit!(7) },
  "segfault" => ->(_) { Process.kill(:SEGV, Process.pid) && sleep(600) }
}.freeze

def handler(input)
  PROBES.fetch(input["probe"]).call(input)
end
