require "json"

def handler(input)
  { sum: input["a"] + input["b"] }
end
