# frozen_string_literal: true

module Triform
  # The child that runs the handler, once.
  class Runner
    def initialize(wire, loader, root)
      @wire = wire
      @loader = loader
      @failure = Failure.new(root)
    end

    def run
      @pid = Core::PID.call
      @wire.say("ready")
      thaw(@wire.message)
      invoke = @wire.message
      event = Core.parse(@wire.body(invoke["bytes"]))
      LINE.open(@wire)
      finish(invoke["run"], *outcome(event))
    end

    private

    def thaw(message)
      seed = message["seed"].unpack1("m")
      Core::SRAND.call(seed.unpack("Q>*").inject { |sum, word| (sum << 64) | word })
      ::OpenSSL::Random.random_add(seed, seed.bytesize.to_f) if ::Object.const_defined?(:OpenSSL)
      ::ENV.update(message["environment"]) unless message["environment"].empty?
    end

    def outcome(event)
      [Values.generate(Core::SEND.bind_call(@loader.receiver, @loader.name, event)), nil]
    rescue ::Exception => e # rubocop:disable Lint/RescueException
      [nil, explain(e)]
    end

    def explain(error)
      told = @failure.describe(error)
      return told unless ::ArgumentError === error && told[:backtrace].size <= 1

      complaint = @loader.arity_complaint
      complaint ? told.merge(message: "#{told[:message]}: #{complaint}") : told
    end

    # A child the handler forked and that came back through it must not answer for it.
    def finish(run, output, error)
      Core::LEAVE.call(0) unless @pid == Core::PID.call
      flush
      output ? @wire.say_with(output, "result", run:) : @wire.say("result", run:, error:)
    end

    def flush
      [::STDOUT, ::STDERR, $stdout, $stderr].uniq.each do |io|
        io.flush
      rescue ::Exception # rubocop:disable Lint/RescueException
        nil
      end
    end
  end
end
