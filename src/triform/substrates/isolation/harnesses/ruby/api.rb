# frozen_string_literal: true

module Triform
  # The host refused a call. `code` is the host's.
  class Error < StandardError
    attr_reader :code

    def initialize(code, message)
      @code = code
      super(message)
    end
  end

  # The one line to the host; set in the child that runs the handler, nowhere else.
  class Line
    def initialize
      @turn = ::Thread::Mutex.new
      @calls = 0
    end

    def open(wire)
      @wire = wire
      @pid = Core::PID.call
    end

    def say(type, **members) = wire.say(type, **members)

    def ask(method, params)
      @turn.synchronize do
        wire.say("call", id: @calls += 1, method:, params:)
        reply = wire.message
        error = reply["error"]
        error ? Core::RAISE.call(Error.new(error["code"], error["message"])) : reply["ok"]
      end
    end

    private

    def wire
      return @wire if @pid == Core::PID.call

      Core::RAISE.call(::RuntimeError, "Triform can be reached only from the process that runs the handler, while it runs")
    end
  end

  LINE = Line.new
  LINE_OF = -> { LINE }

  # Tell how far the work is: `percent` 0 to 100 or nil.
  def self.progress(percent = nil, message = "", data = nil)
    LINE.say("progress", percent:, message: message.to_s, data:)
    nil
  end

  # A structured log line.
  def self.log(level, message, fields = {})
    LINE.say("log", level: level.to_s, message: message.to_s, fields:)
    nil
  end

  # Ask the platform for something; raises Triform::Error when it refuses.
  def self.call(method, params = {}) = LINE.ask(method.to_s, params)
end
