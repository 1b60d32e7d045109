
MIB = 1 << 20
PIECE = "x" * MIB
LINES = "\n" * 65_536

def processes = Dir.children("/proc").grep(/\A\d+\z/).size

def at_rest
  Thread.pass until (seen = processes) == processes
  seen
end

# How many times it went well, and why no more.
def until_refused(most = 100_000)
  count = 0
  error = attempt { most.times { yield(count) && count += 1 } && "patience" }
  [error, count]
end


ESCAPES = {
  # A shell: Ruby itself tries again for as long as it is refused.
  "processes" => lambda { |_|
    File.mkfifo("/tmp/nobody")
    complaints, own = IO.pipe
    bomb = spawn("sh", "-c", "bomb() { bomb | bomb & read x < /tmp/nobody; }; bomb", pgroup: true, out: "/dev/null", err: own)
    own.close
    complaints.gets
    Process.kill(:STOP, -bomb) # a list of what comes and goes would have more than there ever were
    at_rest.tap { Process.kill(:KILL, -bomb) && Process.wait(bomb) }
  },
  # Ruby hangs once it has raised ThreadError: how many there were is told by how it ends.
  "threads" => lambda { |_|
    count = 0
    begin
      loop { Thread.new { sleep } && count += 1 }
    rescue ThreadError
      exit!([count, 255].min)
    end
  },
  "descriptors" => ->(_) { held = []; until_refused { held << File.open("/dev/null") }.tap { held.each(&:close) } },
  "pipes" => ->(_) { held = []; until_refused { held << IO.pipe }.tap { held.flatten.each(&:close) } },
  "memory" => ->(given) { held = []; until_refused(given["most"]) { held << ("x" * MIB) } },
  "a child's memory" => ->(_) { Process.wait(fork { held = []; loop { held << ("x" * MIB) } }) && "survived" },
  "children's memory" => ->(_) { loop { $stdout.syswrite("!"); Process.wait(fork { held = []; loop { held << ("x" * MIB) } }) } },
  "memory without a name" => lambda { |given|
    held = []
    until_refused(given["most"] / 16) { IO.for_fd(Kernel.syscall(319, +"x", 0), "wb").tap { |file| held << file && 16.times { file.syswrite(PIECE) } } }
  },
  "memory in many files" => ->(_) { until_refused { |n| IO.binwrite("/#{n.even? ? "tmp" : "dev/shm"}/#{n}", PIECE) } },
  "memory in pipes" => lambda { |given|
    held = []
    until_refused(given["most"]) { IO.pipe.tap { |pipe| held << pipe; Kernel.syscall(72, pipe[1].fileno, 1031, MIB); pipe[1].write_nonblock(PIECE) } }
  },
  "one file" => ->(given) { File.open("#{given["place"]}/one", "wb") { |file| until_refused { file.write(PIECE) && file.flush } } },
  "a hole" => ->(_) { attempt { File.open("/tmp/hole", "wb") { |file| file.seek(1 << 40) && file.write("x") } } },
  "files" => ->(given) { until_refused(given["most"]) { |n| File.open("/tmp/#{n}", "wb") { true } } },
  "folders" => ->(given) { Dir.chdir("/tmp"); until_refused(given["most"]) { Dir.mkdir("x"); Dir.chdir("x") } },
  "locked memory" => ->(_) { address = Kernel.syscall(9, 0, 8 * MIB, 3, 0x22, -1, 0); sys(149, address, 8 * MIB) },
  "print" => ->(_) { loop { $stdout.write(PIECE) } },
  "lines" => ->(_) { loop { $stderr.write(LINES) } },
  "spin" => ->(_) { 4.times { fork { loop { nil } } }; loop { nil } },
  "leave everything running" => lambda { |_|
    Process.setsid rescue nil
    trap("TERM", "IGNORE")
    5.times { fork { Process.daemon(true, true); trap("TERM", "IGNORE"); Thread.new { loop { sleep 1 } }; sleep } }
    "left"
  }
}.freeze
