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
      @failure = Failure.new(root)
    end

    # nil when all is well, else {cause, error}.
    def load
      prepare
      ::Kernel.load(@file)
      find ? nil : { cause: "handler_not_found", error: not_found }
    rescue ::SystemExit => e
      { cause: "exit", error: @failure.describe(e) }
    rescue ::SyntaxError => e
      { cause: "syntax_error", error: @failure.syntax(e) }
    rescue ::Exception => e # rubocop:disable Lint/RescueException
      { cause: "load_error", error: @failure.describe(e, kind: "load_error") }
    end

    def warnings
      others = ::Thread.list.size - 1
      others.zero? ? [] : ["#{others} thread(s) started while loading do not run in the handler"]
    end

    # What to say about a handler that cannot be called with one argument; nil when it can.
    def arity_complaint
      arity = @receiver.method(@name).arity
      return if [1, -1, -2].include?(arity)

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

    def find
      *scope, name = @handler.split(".")
      @name = name.to_sym
      @receiver = scope.empty? ? ::TOPLEVEL_BINDING.receiver : ::Object.const_get(scope.first)
      scope.empty? ? top_level? : @receiver.respond_to?(@name)
    rescue ::NameError
      false
    end

    # `handler: puts` must not find Kernel#puts.
    def top_level?
      return true if @receiver.respond_to?(@name, true) && !([::Kernel, ::BasicObject].include?(Core.owner(@receiver, @name)))

      !::BasicObject.equal?(Core.owner(@receiver, :method_missing))
    end

    def not_found
      { kind: "handler_not_found", class: "NameError", backtrace: [],
        message: "#{@file.delete_prefix("#{@root}/")} defines no method #{@handler}" }
    end
  end
end
