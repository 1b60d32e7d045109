"""The requests, the code and the specs of the source document's page on Ruby, word for word, in its order.

`{circle}` and `{project}` stand for names, as they do there.
"""

import yaml

from tests.acceptance.client import Circle, Element, Json

DIRECT_INVOKE = """
POST /api/{circle}/my-fn/ops/invoke

{"name": "Alice", "count": 3}
"""
DIRECT_HANDLER = """
def handler(input)
  # input = {"name" => "Alice", "count" => 3}
  { message: "Hello, #{input['name']}!" }
end
"""
ENVELOPE_INVOKE = """
POST /api/{circle}/my-fn/ops/invoke

{"payload": {"name": "Alice"}}
"""
QUICK_START_CREATE = r"""
POST /api/{circle}/{project}/
Content-Type: application/json

{
  "element_type": "ruby",
  "slug": "greet",
  "name": "Greeter",
  "spec": {
    "handler": "handler",
    "source": {
      "type": "inline",
      "code": "def handler(input)\n { message: \"Hello, #{input.fetch('name', 'World')}!\" }\nend"
    }
  }
}
"""
QUICK_START_INVOKE = """
POST /api/{circle}/{project}/greet/ops/invoke
Content-Type: application/json

{ "name": "Triform" }
"""
QUICK_START_RESPONSE = {"message": "Hello, Triform!"}

GEMS_CREATE = r"""
POST /api/{circle}/{project}/
Content-Type: application/json

{
  "element_type": "ruby",
  "slug": "http-fetcher",
  "spec": {
    "handler": "handler",
    "source": {
      "type": "inline",
      "requirements": ["httparty~>0.21"],
      "code": "require 'httparty'\n\ndef handler(input)\n response = HTTParty.get(input['url'])\n { status: response.code, body: response.parsed_response }\nend"
    }
  }
}
"""  # noqa: E501
GEMS_DEPLOY = """
POST /api/{circle}/{project}/http-fetcher/ops/deploy
Content-Type: application/json

{}
"""
WRITING_HANDLERS = """
require 'json'

def handler(input)
  # input is a Hash with string keys
  user_id = input['user_id']
  threshold = input.fetch('threshold', 100)

  # Perform computation
  score = compute_score(user_id)

  # Return any JSON-serializable value
  {
    user_id: user_id,
    score: score,
    passed: score >= threshold
  }
end

def compute_score(user_id)
  # Your logic here
  42
end
"""
ENVIRONMENT_HANDLER = """
def handler(input)
  api_key = ENV['MY_API_KEY']
  base_url = ENV['SERVICE_URL']
  # ...
end
"""
USING_GEMS = """
require 'httparty'
require 'json'

def handler(input)
  result = HTTParty.post(
    'https://api.example.com/process',
    body: input.to_json,
    headers: { 'Content-Type' => 'application/json' }
  )
  result.parsed_response
end
"""
PROJECT_SPEC = """
elements:
  - element_type: ruby
    slug: transform-order
    spec:
      handler: handler
      source:
        type: inline
        requirements: ["activesupport~>7.1"]
        code: |
          require 'active_support/all'

          def handler(input)
            order = input.with_indifferent_access
            {
              order_id: order[:id],
              total_cents: (order[:amount].to_f * 100).round,
              currency: order[:currency]&.upcase || 'USD',
              processed_at: Time.current.iso8601
            }
          end
"""


async def send(circle: Circle, request: str, project: str = "") -> Json:
    """Sends a request as written; its answer. Where the type of its content is left out, it is JSON's."""
    head, _, body = request.strip().partition("\n\n")
    line, *named = head.splitlines()
    verb, path = line.replace("{circle}", circle.name).replace("{project}", project).split()
    headers = {"Content-Type": "application/json", **dict(each.split(": ") for each in named)}
    answer = await circle.request(verb, path.removeprefix(circle.path), headers=headers, content=body)
    assert answer.is_success, answer.text
    return answer.json()


async def applied(circle: Circle, project: str, spec: str) -> dict[str, Element]:
    """Creates the elements of a project's spec in it."""
    elements = {}
    for member in yaml.safe_load(spec)["elements"]:
        answer = await circle.post(f"/{project}/", member)
        assert answer.status_code == 201, answer.text
        elements[member["slug"]] = Element(circle, f"{project}/{member['slug']}")
    return elements
