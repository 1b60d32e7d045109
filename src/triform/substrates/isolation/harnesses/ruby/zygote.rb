# frozen_string_literal: true

# System calls by number, Ruby names none of these. Arguments: integers, unfrozen strings, addresses.
module Confine
  NUMBERS = %i[close madvise fcntl setsid capset prctl mount unshare dup3 setns seccomp].zip({
    "x86_64" => [3, 28, 72, 112, 126, 157, 165, 272, 292, 308, 317],
    "aarch64" => [57, 233, 25, 157, 91, 167, 40, 97, 24, 268, 277]
  }.fetch(RbConfig::CONFIG["host_cpu"])).to_h.freeze
  SPACES = { pid: 0x20000000, mnt: 0x00020000, uts: 0x04000000, ipc: 0x08000000 }.freeze
  REHEARSAL = [true] # as long as this is so, nothing is asked of the kernel

  def self.call(name, *arguments) = REHEARSAL[0] || Core.syscall(NUMBERS.fetch(name), *arguments)
  def self.close(*fds) = Core.each(fds) { |fd| call(:close, fd) }
  def self.address(bytes) = [bytes].pack("P").unpack1("J")

  def self.enter(sandbox)
    call(:mount, +"tmpfs", +"/tmp", +"tmpfs", 6, +sandbox["tmpfs"]) # nosuid, nodev
    call(:mount, +"proc", +"/proc", +"proc", 14, 0) # and noexec
    call(:prctl, 47, 4, 0, 0, 0) # PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL
    program = sandbox["filter"].unpack1("m") # locals: an address keeps nothing alive
    header, nothing, filter = [0x20080522, 0].pack("L2"), "\0" * 24, [program.bytesize / 8, program].pack("Sx6P")
    call(:capset, address(header), address(nothing))
    call(:seccomp, 1, 1, address(filter)) # TSYNC: the thread Ruby makes with each fork, too
  end
end

Nowhere = Struct.new(:write, :flush).new

# The loaded process: answers the host until the control socket closes.
class Zygote
  SIGNALS = Signal.list.invert.values - %w[EXIT KILL STOP SEGV BUS ILL FPE VTALRM] # each once

  # Every descriptor it will ever keep is open before `hello`: the host audits what came later.
  def initialize(fd, line)
    @line, @control, @clones, @null = line, Wire.new(fd), {}, IO.sysopen("/dev/null", File::RDWR)
    @namespaces = Confine::SPACES.map { |name, kind| [IO.sysopen("/proc/self/ns/#{name}"), kind] }
    STDOUT.sync = STDERR.sync = true
    rehearse
  end

  def serve
    while (message = @control.message) do answer(message) end
    Core.exit!(0)
  end

  private

  # What every run goes through, once, while nothing of the user's is there: what Ruby finds out on the way (which
  # method a call means, which constant a name) is then shared, not found out again in each child, in copied memory.
  def rehearse
    pair = UNIXSocket.pair
    wire, host = pair.map { |socket| Wire.new(socket.fileno) }
    host.tell("thaw", seed: [Random.bytes(64)].pack("m0"), now_ns: 0, environment: {})
    host.tell("invoke", run: "", bytes: 20, context: { operation: "", deadline_ms: 1 })
    host.say("event", body: '{"a":[1,2.5,"b",{}]}')
    @own, @traps, @root = [$VERBOSE, $stdout, $stderr], [%w[USR1 DEFAULT]], "/"
    confine(-1, -1, { "tmpfs" => "", "filter" => ["\0" * 8].pack("m") })
    carry_out(wire, User.new({}).tap { |user| user.instance_variable_set(:@name, :==) }, Line.new)
    Confine::REHEARSAL.clear.freeze
    pair.each(&:close)
  end

  def answer(message)
    case message["type"]
    when "hello" then @control.say("hello", proto: 1, language: "ruby", version: ::RUBY_VERSION)
    when "load" then load(message)
    when "freeze" then settle
    when "clone" then clone_one(message["clone"], *@control.descriptors.shift(3))
    end
  end

  def load(message)
    @sandbox, @root, @user = message["sandbox"], message["root"], User.new(message)
    started, failed = Core.ms, @user.load
    failed ? @control.say("load_failed", **failed) : @control.say("loaded", ms: Core.ms - started, warnings:)
  end

  def warnings = ::Thread.list.size > 1 ? ["threads started while loading do not run in the handler"] : []

  # From here on this process prints nothing: Ruby flushes $stdout before it forks, and user code may have closed
  # it. A descriptor below 3 that user code closed would be given to what comes with the next `clone`.
  def settle
    Core.flush
    @own, $VERBOSE, $stdout, $stderr = [$VERBOSE, $stdout, $stderr], nil, Nowhere, Nowhere # Kernel#syscall warns
    Core.each([0, 1, 2]) { |fd| Core.attempt { Confine.call(:fcntl, fd, 1) } || Confine.call(:dup3, @null, fd, 0) }
    Core.each_object(Core::TRACE) { |trace| Core.do_disable(trace) } # nor runs what traces or heeds signals
    @traps = SIGNALS.map { |name| [name, Core.trap(name, "IGNORE") || "SYSTEM_DEFAULT"] }
    Core.trap("CHLD") { Core.attempt { reap } unless @busy }
    Core.warmup
    # Ruby touches all of its main stack when it starts: 8 MB that every fork would copy the page tables of.
    from, to = ::File.read("/proc/self/maps")[/^\h+-\h+(?= .*\[stack\]$)/].split("-").map(&:hex)
    Confine.call(:madvise, from, to - from - (1 << 20), 4) # MADV_DONTNEED; what is in use lies at the top
    @control.say("frozen")
  end

  # In a new pid namespace, whose first child is a program that only sits there; the second one is the runner.
  # A second unshare fails unless the namespace for children is set back first.
  def clone_one(number, channel, out, err)
    @busy = true
    first = begin_namespace(channel) if @sandbox
    @clones[Core.fork { become_runner(channel, out, err) }] = [number, first]
    Core.each(@namespaces) { |own, kind| Confine.call(:setns, own, kind) } if @sandbox
    Confine.close(channel, out, err)
    @busy = false
    reap
  end

  def begin_namespace(channel)
    Confine.call(:unshare, 0x2C020000) # all of them
    @clones[first = Core.spawn({}, @sandbox["init"], unsetenv_others: true, [0, 1, 2] => @null, 4 => channel)] = []
    first
  end

  # Whoever has ended, as a signal told. With a runner its namespace ends, and only from here the host hears how.
  def reap
    until @clones.empty? || !(ended, status = Core.attempt { Core.wait2(-1, 1) }) # WNOHANG; again by a signal
      number, first = @clones.delete(ended)
      Core.attempt { Core.kill(:KILL, first) } if @clones.key?(first)
      @control.tell("exited", clone: number, code: status.exitstatus, signal: status.termsig) if number
    end
  end

  def become_runner(channel, out, err)
    confine(out, err, @sandbox)
    carry_out(Wire.new(channel), @user, @line)
    Core.exit!(0)
  ensure
    Core.exit!(70)
  end

  def confine(out, err, sandbox)
    Confine.call(:setsid) # a signal to its process group must not reach who is in the same one
    Core.each([[@null, 0], [out, 1], [err, 2]]) { |fd, onto| Confine.call(:dup3, fd, onto, 0) }
    Core.each(@namespaces) { |own,| Confine.close(own) }
    Confine.close(out, err, @null, @control.fd)
    Confine.enter(sandbox) if sandbox
    Core.chdir(@root) # the folder user code chose may be one that all runs share
    Core.each(@traps) { |name, command| Core.trap(name, command) }
    $VERBOSE, $stdout, $stderr = @own
  end

  # One run. What the handler forked may come back through here, too.
  def carry_out(wire, user, line)
    pid = Core.pid
    invoke, event = receive(wire)
    line.open(wire)
    output, error = user.call(event)
    Core.exit!(0) unless pid == Core.pid
    Core.flush
    output ? wire.say("result", body: output, run: invoke["run"]) : wire.say("result", run: invoke["run"], error:)
  end

  def receive(wire)
    seed = (thaw = wire.message)["seed"].unpack1("m")
    Core.srand(seed.unpack1("H*").hex)
    ::OpenSSL::Random.random_add(seed, seed.bytesize.to_f) if ::Object.const_defined?(:OpenSSL)
    ::ENV.update(thaw["environment"])
    wire.say("ready")
    [invoke = wire.message, Core.parse(wire.body(invoke["bytes"]))]
  end
end
