# frozen_string_literal: true

module Triform
  # The loaded process: answers the host until the control socket closes.
  class Zygote
    SIGNALS = Signal.list.keys - %w[EXIT KILL STOP SEGV BUS ILL FPE VTALRM]

    # Every descriptor it will ever keep is open before `hello`: the host audits what came later.
    def initialize(fd)
      @control = Wire.new(fd)
      @namespace = IO.sysopen("/proc/self/ns/pid")
      @null = IO.sysopen("/dev/null", File::RDWR)
      STDOUT.sync = STDERR.sync = true
    end

    def serve
      while (message = @control.message)
        answer(message)
      end
      Core.exit!(0)
    end

    private

    def answer(message)
      case message["type"]
      when "hello" then @control.say("hello", proto: 1, language: "ruby", version: ::RUBY_VERSION)
      when "load" then load(message)
      when "freeze" then settle
      when "clone" then clone_one(*@control.descriptors(3))
      end
    end

    def load(message)
      @root = message["root"]
      @sandbox = message["sandbox"]
      @loader = Loader.new(**%w[root entry handler bundle environment].to_h { |name| [name.to_sym, message[name]] })
      started = now
      failed = @loader.load
      failed ? @control.say("load_failed", **failed) : @control.say("loaded", ms: now - started, warnings:)
    end

    def now = Core.clock_gettime(::Process::CLOCK_MONOTONIC, :float_millisecond)

    def warnings
      others = ::Thread.list.size - 1
      others.zero? ? [] : ["#{others} thread(s) started while loading do not run in the handler"]
    end

    def settle
      [::STDOUT, ::STDERR].each { |io| Core.do_flush(io) unless io.closed? }
      @children = Core.trap("CHLD", "IGNORE") # from here on the kernel reaps
      Core.warmup
      @control.say("frozen")
    end

    # A second unshare fails unless the namespace for children is set back first.
    def clone_one(*descriptors)
      Confine.unshare_pid if @sandbox
      Core.fork { first_process(*descriptors) }
      Confine.return_to(@namespace) if @sandbox
      Confine.close(*descriptors)
    end

    # PID 1 of the namespace runs no user code: it waits, and takes everything with it when it goes.
    def first_process(channel, out, err)
      verbose, $VERBOSE = $VERBOSE, nil # Kernel#syscall warns
      wire = rewire(channel, out, err)
      confine(wire) if @sandbox
      Core.trap("CHLD", @children || "SYSTEM_DEFAULT")
      traps = SIGNALS.to_h { |name| [name, Core.trap(name, "SYSTEM_DEFAULT")] }
      watch(Core.fork { run(wire, traps, verbose) }, wire)
    ensure
      Core.exit!(70)
    end

    def rewire(channel, out, err)
      { @null => 0, out => 1, err => 2 }.each { |fd, onto| Confine.duplicate(fd, onto) }
      Confine.close(out, err, @null, @namespace, @control.fd)
      Wire.new(channel)
    end

    def confine(wire)
      wire.say("born")
      wire.message # go
      Confine.enter(@sandbox["tmp_bytes"], @sandbox["filter"])
    end

    def run(wire, traps, verbose)
      traps.each { |name, command| Core.trap(name, command || "SYSTEM_DEFAULT") }
      $VERBOSE = verbose
      Runner.new(wire, @loader, @root).run
      Core.exit!(0)
    ensure
      Core.exit!(70)
    end

    def watch(runner, wire)
      Confine.hide
      pid, status = Core.wait2(-1) until pid == runner
      wire.say("exited", code: status.exitstatus, signal: status.termsig)
      Core.exit!(0)
    end
  end
end
