# frozen_string_literal: true

module Triform
  # The loaded process: answers the host until the control socket closes.
  class Zygote
    RESERVED = %w[EXIT KILL STOP SEGV BUS ILL FPE VTALRM].freeze
    SIGNALS = (Signal.list.keys - RESERVED).freeze

    # Every descriptor it will ever keep is open before `hello`: the host audits what came later.
    def initialize(fd)
      @control = Control.new(fd)
      @namespace = IO.sysopen("/proc/self/ns/pid")
      @null = IO.sysopen("/dev/null", File::RDWR)
      STDOUT.sync = STDERR.sync = true
    end

    def serve
      while (message = @control.message)
        answer(message)
      end
      Core::LEAVE.call(0)
    end

    private

    def answer(message)
      case message["type"]
      when "hello" then @control.say("hello", proto: 1, language: "ruby", version: ::RUBY_VERSION)
      when "load" then load(message)
      when "freeze" then freeze_all
      when "clone" then clone_one(*@control.descriptors(3))
      end
    end

    def load(message)
      @root = message["root"]
      @sandbox = message["sandbox"]
      @loader = Loader.new(**%i[root entry handler bundle environment].to_h { |name| [name, message[name.to_s]] })
      started = Core.ms
      failed = @loader.load
      return @control.say("load_failed", **failed) if failed

      @control.say("loaded", ms: Core.ms - started, warnings: @loader.warnings)
    end

    def freeze_all
      [::STDOUT, ::STDERR].each { |io| Core::FLUSH.bind_call(io) unless io.closed? }
      @children = Core::TRAP.call("CHLD", "IGNORE") # from here on the kernel reaps
      Core::WARMUP.call
      @control.say("frozen")
    end

    # A second unshare fails unless the namespace for children is set back first.
    def clone_one(channel, out, err)
      Confine.unshare_pid if @sandbox
      Core::FORK.call { first_process(channel, out, err) }
      Confine.return_to(@namespace) if @sandbox
      Confine.close(channel, out, err)
    end

    # PID 1 of the namespace: no user code, only a parent that waits and then takes everything with it.
    def first_process(channel, out, err)
      verbose, $VERBOSE = $VERBOSE, nil # Kernel#syscall warns
      wire = rewire(channel, out, err)
      confine(wire) if @sandbox
      Core::TRAP.call("CHLD", @children || "SYSTEM_DEFAULT")
      traps = SIGNALS.to_h { |name| [name, Core::TRAP.call(name, "SYSTEM_DEFAULT")] }
      runner = Core::FORK.call { run(wire, traps, verbose) }
      watch(runner, wire)
    ensure
      Core::LEAVE.call(70)
    end

    def rewire(channel, out, err)
      Confine.duplicate(@null, 0)
      Confine.duplicate(out, 1)
      Confine.duplicate(err, 2)
      Confine.close(out, err, @null, @namespace, @control.fd)
      Wire.new(channel)
    end

    def confine(wire)
      wire.say("born")
      wire.message # go
      Confine.enter(@sandbox["tmp_bytes"], @sandbox["filter"])
    end

    def run(wire, traps, verbose)
      traps.each { |name, command| Core::TRAP.call(name, command || "SYSTEM_DEFAULT") }
      $VERBOSE = verbose
      Runner.new(wire, @loader, @root).run
      Core::LEAVE.call(0)
    ensure
      Core::LEAVE.call(70)
    end

    def watch(runner, wire)
      Confine.hide
      pid, status = Core::WAIT.call(-1) until pid == runner
      wire.say("exited", code: status.exitstatus, signal: status.termsig)
      Core::LEAVE.call(0)
    end
  end
end
