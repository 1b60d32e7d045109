# frozen_string_literal: true

module Triform
  # An exception as the `error` of the protocol. Nothing an exception says about itself is trusted to work:
  # its methods may be the user's.
  class Failure
    FRAMES = 50
    CAUSES = 5
    TEXT = 64 * 1024
    NETWORK = [::SocketError, ::Errno::EAFNOSUPPORT, ::Errno::ENETUNREACH, ::Errno::EHOSTUNREACH, ::Errno::ECONNREFUSED].freeze
    LINE = /\A(.+?):(\d+)(?::in [`'](.*)')?/m

    def initialize(root) = @root = "#{root}/"

    def describe(error, kind: nil, depth: 1)
      {
        kind: kind || (::SystemExit === error ? "exit" : "exception"), class: Core.class_name(error),
        message: clip(try { error.message.to_s } || "(its message cannot be told)"),
        backtrace: frames(error), **details(error),
        **(depth < CAUSES && (cause = try { error.cause }) ? { cause: describe(cause, depth: depth + 1) } : {})
      }
    end

    def syntax(error)
      found = error.message.scan(/^#{Regexp.escape(@root)}([^:\n]+):(\d+): (.*)$/)
      errors = found.map { |_, line, text| { line: line.to_i, column: 0, message: clip(text) } }
      describe(error, kind: "syntax_error").merge(errors: errors)
    end

    private

    def details(error)
      case error
      when Unserialisable then { kind: "unserialisable", class: error.type, path: clip(error.path), backtrace: [] }
      when ::SystemExit then { status: error.status }
      when ::LoadError then error.path ? { missing: clip(error.path) } : {}
      when *NETWORK then { network: true }
      else {}
      end
    end

    def frames(error)
      located = try { error.backtrace_locations }
      return located.lazy.reject { |at| ours?(at.path) }.first(FRAMES).map { |at| frame(at.path, at.lineno, at.label) } if located

      lines = try { error.backtrace } || []
      lines.first(10 * FRAMES).filter_map { |line| LINE.match(line)&.captures }.reject { |file,| ours?(file) }
           .first(FRAMES).map { |file, line, label| frame(file, line.to_i, label) }
    end

    def ours?(file) = file.nil? || file.start_with?(ROOM, "<internal:")

    def frame(file, line, label) = { file: clip(file.delete_prefix(@root)), line:, label: clip(label.to_s) }

    def clip(text) = text.encode(::Encoding::UTF_8, invalid: :replace, undef: :replace).scrub.byteslice(0, TEXT).scrub("")

    def try
      yield
    rescue ::Exception # rubocop:disable Lint/RescueException
      nil
    end
  end
end
