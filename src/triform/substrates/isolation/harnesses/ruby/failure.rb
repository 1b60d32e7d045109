# frozen_string_literal: true

module Triform
  # An exception as the `error` of the protocol. What it says about itself may be the user's, and may fail.
  class Failure
    FRAMES = 50
    CAUSES = 5
    TEXT = 64 * 1024
    NETWORK = [::SocketError, ::Errno::EAFNOSUPPORT, ::Errno::ENETUNREACH, ::Errno::EHOSTUNREACH, ::Errno::ECONNREFUSED].freeze

    def initialize(root) = @root = "#{root}/"

    def describe(error, kind: "exception", depth: 1)
      cause = attempt { error.cause } if depth < CAUSES
      { kind:, class: Core.class_name(error), message: clip(attempt { error.message.to_s } || ""), backtrace: frames(error),
        **details(error), **(cause ? { cause: describe(cause, depth: depth + 1) } : {}) }
    end

    def syntax(error)
      found = error.message.scan(/^#{Regexp.escape(@root)}[^:\n]+:(\d+): (.*)$/)
      describe(error, kind: "syntax_error").merge(errors: found.map { |line, text| { line: line.to_i, column: 0, message: text } })
    end

    private

    def details(error)
      case error
      when Unserialisable then { kind: "unserialisable", class: error.type, path: clip(error.path), backtrace: [] }
      when ::SystemExit then { kind: "exit", status: error.status }
      when ::LoadError then error.path ? { missing: clip(error.path) } : {}
      when *NETWORK then { network: true }
      else {}
      end
    end

    def frames(error)
      places = attempt { error.backtrace_locations&.map { |at| [at.path, at.lineno, at.label] } }
      places ||= (attempt { error.backtrace } || []).map { |line| line.match(/\A(.+?):(\d+)(?::in [`'](.*)')?/m)&.captures || [line, 0, ""] }
      places.reject { |file,| file.nil? || file.start_with?(ROOM, "<internal:") }.first(FRAMES).map do |file, line, label|
        { file: clip(file.delete_prefix(@root)), line: line.to_i, label: clip(label.to_s) }
      end
    end

    def clip(text) = text.encode(::Encoding::UTF_8, invalid: :replace, undef: :replace).scrub.byteslice(0, TEXT).scrub("")

    def attempt
      yield
    rescue ::Exception
      nil
    end
  end
end
