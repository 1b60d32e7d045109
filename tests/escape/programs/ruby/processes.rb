
SECRETS = %w[mem environ maps fd root cwd io stack syscall auxv pagemap map_files ns/net ns/mnt ns/user].freeze

ESCAPES = {
  "seen" => ->(_) { Dir.children("/proc").grep(/\A\d+\z/).map(&:to_i).sort - [1, Process.pid] },
  "first" => lambda { |_|
    SECRETS.to_h do |name|
      path = "/proc/1/#{name}"
      [name, attempt { File.directory?(path) && Dir.children(path).any? ? "open" : File.open(path) { |file| file.read(1) || "empty" } }]
    end
  },
  "trace" => lambda { |_|
    { attach: sys(101, 16, 1, 0, 0), seize: sys(101, 0x4206, 1, 0, 0), trace_me: sys(101, 0, 0, 0, 0),
      read: sys(310, 1, 0, 0, 0, 0, 0), write: sys(311, 1, 0, 0, 0, 0, 0), compare: sys(312, 1, 1, 0, 0, 0),
      take_descriptor: sys(438, Kernel.syscall(434, 1, 0), 0, 0) }
  },
  "others" => lambda { |given|
    given["pids"].flat_map do |pid|
      [sys(62, pid, 0), sys(200, pid, 0), sys(434, pid, 0), sys(129, pid, 0, address([0, 0, -1].pack("l3").ljust(128, "\0"))), sys(302, pid, 7, 0, 0),
       sys(72, 0, 8, pid), attempt { Process.getpgid(pid) }, attempt { Process.getpriority(Process::PRIO_PROCESS, pid) },
       attempt { File.stat("/proc/#{pid}") }]
    end.uniq
  },
  "first process" => ->(_) { %w[TERM INT STOP KILL].each { |name| attempt { Process.kill(name, 1) } } && "alive" },
  "everybody" => ->(_) { [attempt { Process.kill(:KILL, -1) }, "alive"] },
  "join a group" => ->(_) { attempt { Process.setpgid(0, 1) } },
  "priority" => lambda { |_|
    { nice: attempt { Process.setpriority(Process::PRIO_PROCESS, 0, -5) }, victim: attempt { File.write("/proc/self/oom_score_adj", "-1000") },
      files: attempt { Process.setrlimit(:NOFILE, 1 << 20) }, map: attempt { File.write("/proc/self/uid_map", "0 0 1") } }
  }
}.freeze
