# frozen_string_literal: true

module Triform
  # The platform refused a call; `code` is its word for it.
  class Error < StandardError
    attr_reader :code

    def initialize(code, message)
      @code = code
      super(message)
    end
  end

  # The line to the host: open in the process that runs the handler, in no other.
  class Line
    def initialize
      @turn = ::Thread::Mutex.new
      @calls = 0
    end

    def open(wire)
      @wire = wire
      @pid = Core.pid
    end

    def say(type, **members) = wire.say(type, **members)

    def ask(method, params)
      reply = @turn.synchronize do
        say("call", id: @calls += 1, method:, params:)
        wire.message
      end
      error = reply["error"] or return reply["ok"]
      Core.raise(Error.new(error["code"], error["message"]))
    end

    private

    def wire = @pid == Core.pid ? @wire : Core.raise("only the process that runs the handler can reach Triform")
  end

  LINE = Line.new

  # How far the work is: `percent` 0 to 100, or nil when that is not known.
  def self.progress(percent = nil, message = "", data = nil) = LINE.say("progress", percent:, message: message.to_s, data:)

  # A structured line for the run's log.
  def self.log(level, message, fields = {}) = LINE.say("log", level: level.to_s, message: message.to_s, fields:)

  # Asks the platform for something; raises Triform::Error when it refuses.
  def self.call(method, params = {}) = LINE.ask(method.to_s, params)
end
