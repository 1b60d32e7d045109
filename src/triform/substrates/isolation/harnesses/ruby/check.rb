# frozen_string_literal: true

# Looks at Ruby source without running it: `handler({source, file, handler})` answers
# `{errors: [{line, column, message}], warnings: [text], handler_found: true|false}`.
# Lines count from 1, columns from 0.

require "ripper"

# Where the parser stumbles, with columns.
class Stumbles < Ripper
  def self.in(source, file)
    parser = new(source, file)
    parser.parse
    parser.found
  end

  def found = @found ||= []

  private

  def note(message, *) = found << { line: lineno, column: column, message: message }

  alias on_parse_error note
  alias on_alias_error note
  alias on_assign_error note
  alias on_class_name_error note
  alias on_param_error note
  alias compile_error note
end

# What the compiler refuses; it sees more than the grammar does (`break` outside a loop).
module Compiler
  def self.refusals(source, file)
    RubyVM::InstructionSequence.compile(source, file)
    []
  rescue SyntaxError => e
    found = e.message.scan(/^#{Regexp.escape(file)}:(\d+): (.*)$/)
    found = [[1, e.message.lines.first.to_s.chomp]] if found.empty?
    found.map { |line, message| { line: line.to_i, column: 0, message: message } }
  end
end

# The methods a caller at top level could call, as far as reading tells: `name`, `Module.name`.
class Definitions
  # Calls that may define methods in ways no reading shows; at top level also what brings in others' methods.
  DYNAMIC = %w[define_method define_singleton_method eval class_eval module_eval instance_eval class_exec alias_method
               delegate def_delegator def_delegators require_relative].freeze
  BORROWING = %w[include extend load].freeze

  attr_reader :names

  def initialize(source)
    @names = []
    @made = []
    @dynamic = false
    walk(Ripper.sexp(source), [], false)
  end

  # Whether this name may be defined all the same: in passing, or in a module that is made rather than declared.
  def possible?(name) = @dynamic || @made.include?(name[/\A[A-Z]\w*/])

  private

  # `singleton`: what is defined here becomes a method of the module itself.
  def walk(node, scope, singleton)
    return unless node.is_a?(Array)

    case node
    in [:def, [_, name, _], *rest] then method(name, scope, singleton, rest)
    in [:defs, receiver, _, [_, name, _], *rest] then method(name, scope + target(receiver), true, rest)
    in [:alias, [_, [_, name, _]], _] then method(name, scope, singleton, [])
    in [:module | :class, constant, *rest] then walk(rest, scope + path(constant), published?(rest))
    in [:sclass, _, *rest] then walk(rest, scope, true)
    in [:assign, [:var_field, [:@const, name, _]], value] then (@made << name) && walk(value, scope, singleton)
    in [:@ident, name, _] then @dynamic ||= DYNAMIC.include?(name) || (scope.empty? && BORROWING.include?(name))
    else node.each { |part| walk(part, scope, singleton) }
    end
  end

  def method(name, scope, singleton, rest)
    @dynamic ||= name == "method_missing"
    @names << (scope.empty? ? name : "#{scope.join("::")}.#{name}") if scope.empty? || singleton
    walk(rest, scope, singleton)
  end

  def target(receiver)
    (receiver in [:var_ref, [:@const, name, _]]) ? [name] : []
  end

  def path(constant) = constant.flatten.each_cons(2).filter_map { |kind, name| name if kind == :@const }

  # `module_function` or `extend self` somewhere in the body.
  def published?(body)
    words = body.flatten.each_cons(2).filter_map { |kind, name| name if %i[@ident @kw].include?(kind) }
    words.include?("module_function") || words.each_cons(2).include?(%w[extend self])
  end
end

def handler(input)
  source, file, name = input.values_at("source", "file", "handler")
  errors = problems(source, file)
  return { errors: errors, warnings: [], handler_found: false } if errors.any?

  definitions = Definitions.new(source)
  return { errors: [], warnings: [], handler_found: true } if definitions.names.include?(name)

  possible = definitions.possible?(name)
  { errors: [], warnings: [warning(definitions, name, possible)], handler_found: possible }
end

def problems(source, file)
  refusals = Compiler.refusals(source, file)
  return [] if refusals.empty?

  stumbles = Stumbles.in(source, file)
  stumbles.empty? ? refusals : stumbles
rescue ArgumentError, EncodingError => e # a magic comment that names no usable encoding
  [{ line: 1, column: 0, message: e.message }]
end

def warning(definitions, name, possible)
  return "#{name} is not defined in plain sight; it must exist once the source is loaded" if possible

  seen = definitions.names.reject { |other| other.include?(".") }.first(5)
  "no method #{name} is defined#{"; there is #{seen.join(", ")}" if seen.any?}"
end
