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
      pid = Core.pid
      @wire.say("ready")
      thaw(@wire.message)
      invoke = @wire.message
      event = Core.parse(@wire.body(invoke["bytes"]))
      LINE.open(@wire)
      output, error = outcome(event)
      return unless pid == Core.pid # a child the handler forked came back through it

      [::STDOUT, ::STDERR, $stdout, $stderr].each { |io| flush(io) }
      output ? @wire.say("result", body: output, run: invoke["run"]) : @wire.say("result", run: invoke["run"], error:)
    end

    private

    def thaw(message)
      seed = message["seed"].unpack1("m")
      Core.srand(seed.unpack1("H*").hex)
      ::OpenSSL::Random.random_add(seed, seed.bytesize.to_f) if ::Object.const_defined?(:OpenSSL)
      ::ENV.update(message["environment"])
    end

    def outcome(event)
      [Values.generate(Core.do___send__(@loader.receiver, @loader.name, event)), nil]
    rescue ::Exception => e
      told = @failure.describe(e)
      complaint = @loader.complaint if ::ArgumentError === e && told[:backtrace].size <= 1
      [nil, complaint ? told.merge(message: "#{told[:message]}: #{complaint}") : told]
    end

    def flush(io)
      io.flush
    rescue ::Exception
      nil
    end
  end
end
