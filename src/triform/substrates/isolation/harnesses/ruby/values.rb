# frozen_string_literal: true

# A value JSON has no place for: where it stands, and its class.
Unserialisable = Class.new(StandardError) { attr_accessor :path, :type }

# Ruby values to JSON text, blind to a redefined to_json, each or to_s of the core classes.
class Values
  DEEPEST = 100
  SPECIAL = /["\\\0-\x1f]/ # what a JSON string may not hold as it is
  BORROWED = [Kernel, BasicObject, Object, Enumerable].freeze # a to_h from here says nothing about the value
  TELLING = { Date: [:iso8601], Set: [:to_a], BigDecimal: [:to_s, "F"] }.freeze

  def self.generate(value) = new.generate(value)

  def initialize = (@out, @keys = +"", [])

  def generate(value)
    case value
    when nil then @out << "null"
    when true, false then @out << (value ? "true" : "false")
    when ::String then text(value)
    when ::Symbol then text(value.name)
    when ::Integer then @out << Core::INTEGER.bind_call(value)
    when ::Float then float(value, Core::FLOAT.bind_call(value))
    else structure(value, Core.do_class(value))
    end
  end

  private

  def structure(value, type)
    return own_json(value) unless [::Hash, ::Array, ::Time].include?(type) || !own?(value, :to_json)

    case value
    when ::Hash then enclose("{", "}") { Core.do_each_pair(value) { |key, item| member(key, item) } }
    when ::Array then enclose("[", "]") { Core.do_each(value) { |item| step(@keys.last&.succ || 0) && generate(item) } }
    when ::Time then text(time(value))
    else object(value)
    end
  end

  def object(value)
    telling = nil
    Core.do_each_pair(TELLING) { |name, how| telling ||= how if kind?(value, name) }
    return refuse(value, value.to_s) if ::Numeric === value && !value.finite?
    return generate(value.public_send(*telling)) if telling

    pairs = value.to_h if own?(value, :to_h)
    return generate(pairs) if ::Hash === pairs

    refuse(value, "an instance of #{Core.class_of(value)}, which has neither to_h nor to_json of its own")
  end

  def kind?(value, name) = ::Object.const_defined?(name) && ::Object.const_get(name) === value

  def own?(value, name)
    owner = Core.owner(value, name)
    owner && !BORROWED.include?(owner) && !Core.name_of(owner).start_with?("JSON::Ext::Generator")
  end

  def own_json(value)
    method = Core.do_method(value, :to_json)
    json = method.arity.zero? ? method.call : method.call(Core::STATE.call)
    Core.parse(json)
    @out << json
  rescue ::JSON::ParserError, ::TypeError
    refuse(value, "an instance of #{Core.class_of(value)}, whose to_json answered something that is not JSON")
  end

  def enclose(opening, closing)
    refuse(@keys, "nested deeper than #{DEEPEST} levels; does it contain itself?") if @keys.size >= DEEPEST
    @out << opening
    @keys.push(nil)
    yield
    @keys.pop
    @out << closing
  end

  def member(key, item)
    step(name = ::String === key ? key : key.to_s)
    text(name)
    @out << ":"
    generate(item)
  end

  def step(key)
    @out << "," unless @out.end_with?("{", "[")
    @keys[-1] = key
  end

  def text(value)
    return @out << '"' << value << '"' if value.ascii_only? && !value.match?(SPECIAL)

    binary = value.encoding == ::Encoding::BINARY
    utf8 = binary ? value.dup.force_encoding("UTF-8") : Core.attempt { value.encode("UTF-8") }
    return @out << Core::QUOTE.bind_call(utf8) if utf8&.valid_encoding?

    refuse(value, "text that is not valid UTF-8 (#{value.encoding}); [text].pack(\"m0\") makes it Base64")
  end

  def float(value, text) = value.finite? ? @out << text : refuse(value, text)
  def time(value) = value.strftime("%FT%T#{".%6N" unless value.nsec.zero?}#{value.utc? ? "Z" : "%:z"}")

  def refuse(value, why)
    path = "$#{@keys.first(10).map { |key| key.to_s.match?(/\A[a-z_]\w*\z/i) ? ".#{key}" : "[#{key.inspect}]" }.join}"
    error = Unserialisable.new("JSON has no place for what the handler returned: #{path} is #{why}")
    error.path, error.type = path, Core.class_of(value)
    Core.raise(error)
  end
end
