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
  # Calls that may define methods in ways no reading shows.
  DYNAMIC = %w[define_method define_singleton_method eval class_eval module_eval instance_eval class_exec alias_method
               delegate def_delegator def_delegators require_relative load include extend send public_send].freeze

  attr_reader :names

  def initialize(source)
    @names = []
    @dynamic = false
    walk(Ripper.sexp(source), [], false)
  end

  def dynamic? = @dynamic

  private

  # `singleton`: what is defined here becomes a method of the module itself.
  def walk(node, scope, singleton)
    return unless node.is_a?(Array)

    case node
    in [:def, [_, name, _], *rest] then method(name, scope, singleton, rest)
    in [:defs, receiver, _, [_, name, _], *rest] then method(name, scope + target(receiver), true, rest)
    in [:module | :class, constant, *rest] then walk(rest, scope + path(constant), published?(rest))
    in [:sclass, _, *rest] then walk(rest, scope, true)
    in [:@ident, name, _] then @dynamic ||= DYNAMIC.include?(name)
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
  found = definitions.names.include?(name)
  { errors: [], warnings: warnings(definitions, name, found), handler_found: found || definitions.dynamic? }
end

def problems(source, file)
  return [{ line: 1, column: 0, message: "the source is not valid UTF-8" }] unless source.valid_encoding?

  refusals = Compiler.refusals(source, file)
  return [] if refusals.empty?

  stumbles = Stumbles.in(source, file)
  stumbles.empty? ? refusals : stumbles
end

def warnings(definitions, name, found)
  return [] if found

  seen = definitions.names.reject { |other| other.include?(".") }.first(5)
  hint = seen.empty? ? "" : "; it defines #{seen.join(", ")}"
  return ["#{name} is not defined in plain sight; it must exist once the source is loaded"] if definitions.dynamic?

  ["no method #{name} is defined#{hint}"]
end
