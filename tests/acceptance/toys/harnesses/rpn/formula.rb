# frozen_string_literal: true

# Sums in reverse Polish notation: numbers, names of the input's members, + - * /, `print`, # comments.
class Formula
  WORD = %r{\A(?:-?\d+(?:\.\d+)?|[a-z_][a-z0-9_]*|[-+*/])\z}

  class Stumble < StandardError
    attr_reader :line

    def initialize(line, message)
      @line = line
      super(message)
    end
  end

  def initialize(text)
    @words = text.lines.flat_map.with_index(1) do |line, number|
      line.sub(/#.*/, "").split.map { |word| [word, number] }
    end
  end

  def stumbles
    @words.reject { |word, _| WORD.match?(word) }.map do |word, line|
      { line: line, column: 0, message: "#{word} is no word of this language" }
    end
  end

  def of(input)
    stack = @words.each_with_object([]) { |(word, line), rest| step(word, line, input, rest) }
    raise Stumble.new(@words.dig(-1, 1) || 1, "#{stack.size} values are left, one is wanted") unless stack.size == 1

    stack.first
  end

  private

  def step(word, line, input, stack)
    case word
    when "print" then $stdout.puts(stack.last)
    when "forever" then sleep
    when "stumbles" then stack.push({ errors: Formula.new(stack.pop).stumbles, warnings: [], handler_found: true })
    when %r{\A[-+*/]\z} then stack.push(calculate(word, line, stack.pop(2)))
    when /\A-?\d/ then stack.push(word.include?(".") ? Float(word) : Integer(word, 10))
    else stack.push(input.fetch(word) { raise Stumble.new(line, "the input has no #{word}") })
    end
  end

  def calculate(word, line, operands)
    raise Stumble.new(line, "#{word} needs two values") unless operands.size == 2

    operands.reduce(word.to_sym)
  rescue ZeroDivisionError
    raise Stumble.new(line, "divided by zero")
  end
end
