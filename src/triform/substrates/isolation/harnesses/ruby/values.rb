# frozen_string_literal: true

module Triform
  # A value that has no place in JSON; `path` says where it stands, `type` names its class.
  class Unserialisable < StandardError
    attr_reader :path, :type

    def initialize(keys, type, why)
      @path = "$#{keys.map { |key| step(key) }.join}"
      @type = type
      super("the handler returned something JSON has no place for: #{@path} is #{why}")
    end

    private

    def step(key)
      return "[#{key}]" if Integer === key

      key.match?(/\A[A-Za-z_]\w*\z/) ? ".#{key}" : "[#{key.inspect}]"
    end
  end

  # Ruby values to JSON text, by the rules of the contract; deliberately blind to a redefined `to_json`,
  # `each` or `to_s` of the core classes.
  class Values
    DEEPEST = 100
    GENERIC = "JSON::Ext::Generator"
    LEND = [Kernel, BasicObject, Object, Enumerable].freeze # their to_h says nothing about the value itself

    def self.generate(value) = new.generate(value)

    def initialize
      @out = +""
      @keys = []
    end

    def generate(value)
      write(value)
      @out
    end

    private

    def write(value)
      case value
      when nil then @out << "null"
      when true then @out << "true"
      when false then @out << "false"
      when ::String then text(value)
      when ::Integer then @out << Core::INTEGER_TEXT.bind_call(value)
      when ::Symbol then text(Core::SYMBOL_TEXT.bind_call(value))
      when ::Float then float(value)
      else structure(value)
      end
    end

    def structure(value)
      type = Core::CLASS.bind_call(value)
      return nest { hash(value) } if ::Hash.equal?(type)
      return nest { array(value) } if ::Array.equal?(type)
      return @out << %("#{time(value)}") if ::Time.equal?(type)

      other(value)
    end

    def other(value)
      return own_json(value) if own?(value, :to_json)

      case value
      when ::Hash then nest { hash(value) }
      when ::Array then nest { array(value) }
      when ::Time then @out << %("#{time(value)}")
      else object(value)
      end
    end

    def object(value)
      if kind?(value, :Date) then write(value.iso8601)
      elsif kind?(value, :BigDecimal) then value.finite? ? write(value.to_s("F")) : refuse(value, "#{value}, which is not a number")
      elsif kind?(value, :Set) then nest { array(value.to_a) }
      elsif own?(value, :to_h) && ::Hash === (hash = value.to_h) then nest { hash(hash) }
      else refuse(value, "a #{Core.class_name(value)}, which has neither to_h nor to_json of its own")
      end
    end

    def kind?(value, name) = ::Object.const_defined?(name) && ::Object.const_get(name) === value

    def own?(value, name)
      owner = Core.owner(value, name)
      !(owner.nil? || LEND.include?(owner) || Core::INSPECT.bind_call(owner).start_with?(GENERIC))
    end

    def hash(value)
      first = true
      @out << "{"
      Core::EACH_PAIR.bind_call(value) do |key, item|
        first ? first = false : @out << ","
        @keys << name(key)
        text(@keys.last)
        @out << ":"
        write(item)
        @keys.pop
      end
      @out << "}"
    end

    def name(key)
      return key if ::String === key

      ::Symbol === key ? Core::SYMBOL_TEXT.bind_call(key) : key.to_s
    end

    def array(value)
      at = -1
      @out << "["
      Core::EACH.bind_call(value) do |item|
        @out << "," if (at += 1).positive?
        @keys << at
        write(item)
        @keys.pop
      end
      @out << "]"
    end

    def nest
      Core::RAISE.call(Unserialisable.new(@keys.first(5), "Hash", "nested deeper than #{DEEPEST} levels (does it contain itself?)")) if @keys.size >= DEEPEST
      yield
    end

    def text(value)
      utf8 = value.encoding == ::Encoding::BINARY ? value.dup.force_encoding(::Encoding::UTF_8) : value
      utf8 = utf8.encode(::Encoding::UTF_8)
      utf8.valid_encoding? ? @out << Core::QUOTE.bind_call(utf8) : not_text(value)
    rescue ::EncodingError
      not_text(value)
    end

    def not_text(value)
      refuse(value, "text that is not valid UTF-8 (#{value.encoding}); encode it, for example with [text].pack(\"m0\")")
    end

    def float(value)
      return refuse(value, Core::FLOAT_TEXT.bind_call(value)) if value.nan? || value.infinite?

      @out << Core::FLOAT_TEXT.bind_call(value)
    end

    def time(value)
      zone = Core::TIME_UTC.bind_call(value) ? "Z" : "%:z"
      fraction = Core::TIME_NANOS.bind_call(value).zero? ? "" : ".%6N"
      Core::TIME_TEXT.bind_call(value, "%Y-%m-%dT%H:%M:%S#{fraction}#{zone}")
    end

    def own_json(value)
      method = Core::METHOD.bind_call(value, :to_json)
      json = method.arity.zero? ? method.call : method.call(Core::STATE.call)
      Core.parse(json)
      @out << json
    rescue ::JSON::ParserError, ::TypeError
      refuse(value, "a #{Core.class_name(value)}, whose to_json answered something that is not JSON")
    end

    def refuse(value, why) = Core::RAISE.call(Unserialisable.new(@keys, Core.class_name(value), why))
  end
end
