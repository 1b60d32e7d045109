# frozen_string_literal: true

module Triform
  # A value that JSON has no place for; `path` says where it stands, `type` names its class.
  class Unserialisable < StandardError
    attr_reader :path, :type

    def initialize(keys, type, why)
      steps = keys.map { |key| ::Integer === key ? "[#{key}]" : key.match?(/\A[a-z_]\w*\z/i) ? ".#{key}" : "[#{key.inspect}]" }
      @path = "$#{steps.join}"
      @type = type
      super("JSON has no place for what the handler returned: #{@path} is #{why}")
    end
  end

  # Ruby values to JSON text, blind to a redefined to_json, each or to_s of the core classes.
  class Values
    DEEPEST = 100
    BORROWED = [Kernel, BasicObject, Object, Enumerable].freeze # a to_h from here says nothing about the value
    TELLING = { Date: [:iso8601], Set: [:to_a], BigDecimal: [:to_s, "F"] }.freeze

    def self.generate(value) = new.generate(value)

    def initialize
      @out = +""
      @keys = []
    end

    def generate(value)
      case value
      when nil then @out << "null"
      when true then @out << "true"
      when false then @out << "false"
      when ::String then text(value)
      when ::Symbol then text(value.name)
      when ::Integer then @out << Core::INTEGER.bind_call(value)
      when ::Float then value.finite? ? @out << Core::FLOAT.bind_call(value) : refuse(value, Core::FLOAT.bind_call(value))
      else structure(value, Core::CLASS.bind_call(value))
      end
    end

    private

    def structure(value, type)
      return own_json(value) unless [::Hash, ::Array, ::Time].include?(type) || !own?(value, :to_json)

      case value
      when ::Hash then hash(value)
      when ::Array then array(value)
      when ::Time then text(time(value))
      else object(value)
      end
    end

    def object(value)
      _, telling = TELLING.find { |name, _| ::Object.const_defined?(name) && ::Object.const_get(name) === value }
      return refuse(value, value.to_s) if ::Numeric === value && !value.finite?
      return generate(value.public_send(*telling)) if telling
      return hash(pairs) if own?(value, :to_h) && ::Hash === (pairs = value.to_h)

      refuse(value, "a #{Core.class_name(value)}, which has neither to_h nor to_json of its own")
    end

    def own?(value, name)
      owner = Core.owner(value, name)
      owner && !BORROWED.include?(owner) && !Core.name(owner).start_with?("JSON::Ext::Generator")
    end

    def hash(value)
      enclose("{", "}") do
        Core::PAIRS.bind_call(value) do |key, item|
          step(::String === key ? key : key.to_s)
          text(@keys.last)
          @out << ":"
          generate(item)
        end
      end
    end

    def array(value)
      at = -1
      enclose("[", "]") do
        Core::ITEMS.bind_call(value) do |item|
          step(at += 1)
          generate(item)
        end
      end
    end

    def enclose(opening, closing)
      refuse(@keys = @keys.first(5), "nested deeper than #{DEEPEST} levels; does it contain itself?") if @keys.size >= DEEPEST
      @out << opening
      @keys.push(nil)
      yield
      @keys.pop
      @out << closing
    end

    def step(key)
      @out << "," unless @out.end_with?("{", "[")
      @keys[-1] = key
    end

    def text(value)
      utf8 = value.encoding == ::Encoding::BINARY ? value.dup.force_encoding(::Encoding::UTF_8) : value.encode(::Encoding::UTF_8)
      utf8.valid_encoding? ? @out << Core::QUOTE.bind_call(utf8) : not_text(value)
    rescue ::EncodingError
      not_text(value)
    end

    def not_text(value) = refuse(value, "text that is not valid UTF-8 (#{value.encoding}); [text].pack(\"m0\") makes it Base64")

    def time(value)
      value.strftime("%Y-%m-%dT%H:%M:%S#{".%6N" unless value.nsec.zero?}#{value.utc? ? "Z" : "%:z"}")
    end

    def own_json(value)
      method = Core.do_method(value, :to_json)
      json = method.arity.zero? ? method.call : method.call(Core::STATE.call)
      Core.parse(json)
      @out << json
    rescue ::JSON::ParserError, ::TypeError
      refuse(value, "a #{Core.class_name(value)}, whose to_json answered something that is not JSON")
    end

    def refuse(value, why) = Core.raise(Unserialisable.new(@keys, Core.class_name(value), why))
  end
end
