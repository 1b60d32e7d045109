# frozen_string_literal: true

module Triform
  # Loads user code and finds its handler.
  class Loader
    attr_reader :receiver, :name

    def initialize(root:, entry:, handler:, bundle:, environment:)
      @root = root
      @file = "#{root}/#{entry}"
      @handler = handler
      @bundle = bundle
      @environment = environment
    end

    # nil when all is well, else {cause, error}.
    def load
      prepare
      ::Kernel.load(@file)
      find ? nil : { cause: "handler_not_found", error: not_found }
    rescue ::SystemExit => e
      { cause: "exit", error: Failure.new(@root).describe(e) }
    rescue ::SyntaxError => e
      { cause: "syntax_error", error: Failure.new(@root).syntax(e) }
    rescue ::Exception => e
      { cause: "load_error", error: Failure.new(@root).describe(e, kind: "load_error") }
    end

    # What is wrong with a handler that cannot be called with one argument; nil when it can.
    def complaint
      return if [1, -1, -2].include?(Core.do_method(@receiver, @name).arity)

      "#{@handler} is called with one argument, the input: write `def #{@name}(input)`"
    rescue ::NameError
      nil
    end

    private

    def prepare
      ::ENV.replace(@environment)
      ::Encoding.default_external = ::Encoding::UTF_8
      ::Dir.chdir(@root)
      ::Kernel.require("#{@bundle}/bundler/setup.rb") if @bundle
      _, mark, data = ::File.read(@file).partition(/^__END__\r?\n/)
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

    def not_found
      message = "#{@file.delete_prefix("#{@root}/")} defines no method #{@handler}"
      { kind: "handler_not_found", class: "NameError", message:, backtrace: [] }
    end
  end
end
