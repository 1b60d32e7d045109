# frozen_string_literal: true

# One handler, many questions: what a run can see, do, use up.
require "json"
require "open3"
require "openssl"
require "securerandom"
require "socket"
require "tmpdir"

$count = 0

def sys(number, *arguments)
  Kernel.syscall(number, *arguments)
  "allowed"
rescue SystemCallError => e
  e.class.name.delete_prefix("Errno::")
end

def attempt
  yield
rescue SystemCallError, SocketError, IOError => e
  e.class.name.delete_prefix("Errno::")
end

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
  "processes" => ->(_) { Dir.children("/proc").grep(/\A\d+\z/).map(&:to_i).sort },
  "environment" => ->(_) { ENV.to_h },
  "first process" => lambda { |_|
    {
      environ: attempt { File.binread("/proc/1/environ") },
      mem: attempt { File.open("/proc/1/mem", "r+").close },
      fd: attempt { Dir.children("/proc/1/fd") }
    }
  },
  "kill the first" => ->(_) { %w[TERM INT KILL].map { |name| attempt { Process.kill(name, 1) && name } } },
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
  "write everywhere" => lambda { |_|
    %w[/x /app/x /usr/x /etc/x /harness/x /bundle/x /dev/x /proc/sys/kernel/hostname].to_h do |path|
      [path, attempt { File.write(path, "x").to_s }]
    end
  },
  "read host" => lambda { |input|
    input["paths"].to_h { |path| [path, attempt { File.stat(path) && "there" }] }
  },
  "network" => lambda { |_|
    {
      tcp: attempt { TCPSocket.new("127.0.0.1", 80) && "connected" },
      udp: attempt { UDPSocket.new && "made" },
      metadata: attempt { TCPSocket.new("169.254.169.254", 80) && "connected" },
      unix: attempt { UNIXSocket.new("/tmp/x") && "connected" },
      raw: attempt { Socket.new(:INET, :RAW) && "made" },
      netlink: attempt { Socket.new(16, :RAW) && "made" },
      vsock: attempt { Socket.new(40, :STREAM) && "made" },
      pair: attempt { UNIXSocket.pair && "made" },
      datagrams: attempt { UNIXSocket.pair(:DGRAM) && "made" },
      names: attempt { Addrinfo.getaddrinfo("example.com", 80) && "resolved" }
    }
  },
  "system calls" => lambda { |_|
    {
      mount: sys(165, +"tmpfs", +"/tmp", +"tmpfs", 6, 0), umount: sys(166, +"/tmp", 2),
      unshare_user: sys(272, 0x10000000), unshare_net: sys(272, 0x40000000), unshare_pid: sys(272, 0x20000000),
      setns: sys(308, 0, 0x20000000), pivot_root: sys(155, +".", +"."), chroot: sys(161, +"/tmp"),
      ptrace: sys(101, 0, 0, 0, 0), bpf: sys(321, 0, 0, 0), perf: sys(298, 0, 0, 0, 0, 0),
      userfaultfd: sys(323, 0), io_uring: sys(425, 1, 0), keyctl: sys(250, 0, -3, 0),
      process_vm_readv: sys(310, 1, 0, 0, 0, 0, 0), kcmp: sys(312, 1, 1, 0, 0, 0),
      personality: sys(135, 0x0040000), seccomp: sys(317, 1, 0, 0), capset: sys(126, 0, 0),
      clone_newuser: sys(56, 0x10000000 | 17, 0, 0, 0, 0), clone3: sys(435, 0, 0),
      open_by_handle: sys(304, -1, 0, 0), mknod_device: sys(133, +"/tmp/sda", 0o060644, 0x800),
      tiocsti: sys(16, 0, 0x5412, 0), setuid_root: sys(105, 0), sethostname: sys(170, +"x", 1),
      unknown: sys(480)
    }
  },
  "status" => lambda { |_|
    File.readlines("/proc/self/status").grep(/\A(Cap|NoNewPrivs|Seccomp)/).to_h { |line| line.chomp.split(":\t") }
  },
  "limits" => ->(_) { { files: Process.getrlimit(:NOFILE), core: Process.getrlimit(:CORE) } },
  "descriptors" => ->(_) { Dir.children("/proc/self/fd").map { |fd| attempt { File.readlink("/proc/self/fd/#{fd}") } } },
  "orphan" => ->(_) { fork { Process.setsid; fork { sleep 600 } } && "left" },
  "tree" => lambda { |input|
    input["count"].times { fork { Process.setsid; sleep 600 } }
    puts "planted"
    $stdout.flush
    sleep 600
  },
  "spin" => ->(_) { puts "spinning"; $stdout.flush; loop { nil } },
  "eat" => ->(_) { hoard = []; loop { hoard << ("x" * (1 << 20)) } },
  "child eats" => ->(_) { Process.wait(fork { hoard = []; loop { hoard << ("x" * (1 << 20)) } }) && sleep(600) },
  "fill" => lambda { |input|
    piece = "x" * (1 << 20) # one: garbage would count against the memory, too
    attempt { File.open("#{input["place"]}/big", "wb") { |file| loop { file.write(piece) } } }
  },
  "bomb" => lambda { |_|
    made = 0
    error = attempt { (fork { sleep 600 }; made += 1) while made < 500 }
    { made:, error: }
  },
  "many files" => ->(_) { held = []; attempt { loop { held << File.open("/dev/null") } }.then { |error| [error, held.size] } },
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
