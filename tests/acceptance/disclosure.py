"""Values that are awkward to hide, code that tells them in every way it can, and how to see that it failed."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

from tests.acceptance.client import Json

SECRET = 's3cr3t/+tök en&"x"~\'\\y'
LINES = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END KEY-----\n"
OTHER = "another-value-of-it"
UNHEARD = "Xq7Zv9Kw3Jp5Hb1Gd8"

PRINT = """
require 'json'
require 'erb'
require 'uri'
require 'openssl'

puts "loading with #{ENV['TOKEN']}"

def forms(value)
  [value, value.inspect, JSON.generate(value), JSON.generate(value, script_safe: true),
   ERB::Util.url_encode(value), URI.encode_www_form_component(value), URI.encode_www_form(t: value),
   [value].pack('m0'), [value].pack('m'), ['a' + value].pack('m0'), ['ab' + value + 'c'].pack('m0'),
   ["user:#{value}" * 4].pack('m'), [value].pack('m0').tr('+/', '-_').delete('='),
   URI.encode_www_form_component([value].pack('m0'))]
end

def handler(input)
  value = ENV.fetch(input['name'] || 'TOKEN')
  $stdout.sync = $stderr.sync = true
  forms(value).each { |form| puts form; warn "warned: #{form}" }
  value.each_char { |character| $stdout.write(character) }
  puts
  case input['end']
  when 'raise' then raise ArgumentError, "cannot use #{value} (#{[value].pack('m0')})"
  when 'cause'
    begin
      raise KeyError, value
    rescue KeyError
      raise TypeError, "wrapped #{value.inspect}"
    end
  when 'cut' then $stdout.write(value[0, value.size - 2]); exit!(3)
  else { 'token' => value, value => forms(value), 'nested' => [{ 'deep' => "x#{value}y" }] }
  end
end
"""


def secret(value: str) -> Json:
    return {"secret": True, "value": value}


def forms_of(value: str) -> Iterator[str]:
    raw = value.encode()
    yield from (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    yield from (quote(value, safe=""), quote_plus(value), quote(value, safe="").lower())
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw)
        core = encoded[-(-8 * before // 6) : 8 * (before + len(raw)) // 6].decode()
        yield from (core, core.replace("+", "-").replace("/", "_"))


def assert_nothing_of(value: str, told: str) -> None:
    """No six characters in a row of any form. What stands around the values has nothing in common with them."""
    for form in forms_of(value):
        for at in range(len(form) - 5):
            assert form[at : at + 6] not in told, form[at : at + 6]
