# frozen_string_literal: true

# User code: loads it, finds its handler, calls it once.
class User
  def initialize(load)
    @root, @entry, @handler, @bundle, @environment = load.values_at(*%w[root entry handler bundle environment])
    @failure = Failure.new(@root)
  end

  # nil when all is well, else {cause, error}.
  def load
    prepare
    ::Kernel.load("#{@root}/#{@entry}")
    missing = { kind: "handler_not_found", class: "NameError", message: "#{@entry} defines no method #{@handler}" }
    find ? nil : { cause: "handler_not_found", error: missing }
  rescue ::Exception => e
    @failure.of_load(e)
  end

  # What the handler answers, as JSON text, or as an error.
  def call(event)
    [Values.generate(Core.do___send__(@receiver, @name, event)), nil]
  rescue ::Exception => e
    told = @failure.describe(e)
    told[:message] += ": #{complaint}" if ::ArgumentError === e && told[:backtrace].size <= 1 && complaint
    [nil, told]
  end

  private

  def prepare
    ::ENV.replace(@environment)
    ::Encoding.default_external = ::Encoding::UTF_8
    ::Dir.chdir(@root)
    ::Kernel.require("#{@bundle}/bundler/setup.rb") if @bundle
    _, mark, data = ::File.read(@entry).partition(/^__END__\r?\n/)
    ::Object.const_set(:DATA, ::StringIO.new(data)) unless mark.empty?
  end

  # `handler: puts` must not find Kernel#puts; a method_missing of the user's may answer to any name.
  def find
    *scope, name = @handler.split(".")
    @name = name.to_sym
    @receiver = scope.empty? ? ::TOPLEVEL_BINDING.receiver : ::Object.const_get(scope.first)
    return @receiver.respond_to?(@name) if scope.any?

    ![nil, ::Kernel, ::BasicObject].include?(Core.owner(@receiver, @name)) ||
      !::BasicObject.equal?(Core.owner(@receiver, :method_missing))
  rescue ::NameError
    false
  end

  # What is wrong with a handler that cannot be called with one argument; nil when it can.
  def complaint
    kinds = (Core.attempt { Core.do_method(@receiver, @name).parameters } || [[:rest]]).map(&:first)
    return if kinds.count(:req) <= 1 && kinds.intersect?(%i[req opt rest]) && !kinds.include?(:keyreq)

    "#{@handler} is called with one argument, the input: write `def #{@name}(input)`"
  end
end

# An exception as the `error` of the protocol. What it says about itself may be the user's, and may fail.
class Failure
  FRAMES = 50
  TEXT = 64 * 1024
  PLACE = /\A(.+?):(\d+)(?::in [`'](.*)')?/m
  NETWORK = [SocketError, Errno::EAFNOSUPPORT, Errno::ENETUNREACH, Errno::EHOSTUNREACH, Errno::ECONNREFUSED].freeze

  def initialize(root) = @root = "#{root}/"

  def describe(error, kind: "exception", causes: 4)
    cause = Core.attempt { error.cause } if causes.positive?
    message = clip(Core.attempt { error.message.to_s })
    told = { kind:, class: Core.class_of(error), message:, backtrace: frames(error), **details(error) }
    cause ? told.merge(cause: describe(cause, causes: causes - 1)) : told
  end

  def of_load(error)
    cause = { "exit" => ::SystemExit, "syntax_error" => ::SyntaxError }.key(Core.do_class(error)) || "load_error"
    { cause:, error: describe(error, kind: cause) }
  end

  private

  def details(error)
    case error
    when Unserialisable then { kind: "unserialisable", class: error.type, path: clip(error.path), backtrace: [] }
    when ::SyntaxError then { errors: problems(error.message) }
    when ::SystemExit then { kind: "exit", status: error.status }
    when ::LoadError then { missing: gem(error.path) }.compact
    when *NETWORK then { network: true }
    else {}
    end
  end

  def problems(text)
    found = text.scan(/^#{Regexp.escape(@root)}([^:\n]+):(\d+): (.*)$/)
    found.map { |file, line, message| { file: clip(file), line: line.to_i, column: 0, message: clip(message) } }
  end

  # The gem a library most likely is in; a path is a file of the user's own.
  def gem(library) = library&.match?(%r{\A[^/.]}) ? clip(library[%r{\A[^/]+}].sub(/\A(active|action)_/, '\1')) : nil

  def frames(error)
    places = Core.attempt { error.backtrace_locations&.map { |at| [at.path, at.lineno, at.label] } }
    places ||= (Core.attempt { error.backtrace } || []).map { |text| PLACE.match(text)&.captures || [text] }
    own = places.reject { |file,| file.nil? || file.start_with?(ROOM, "<internal:") }.first(FRAMES)
    own.map { |file, line, label| { file: clip(file.delete_prefix(@root)), line: line.to_i, label: clip(label) } }
  end

  def clip(text) = text.to_s.encode("UTF-8", invalid: :replace, undef: :replace).scrub.byteslice(0, TEXT).scrub("")
end
