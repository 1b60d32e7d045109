"""Hand over a Ruby function, call it, and see its run."""

from tests.acceptance.client import Circle, run_id_of


async def test_a_ruby_function_answers_with_what_its_handler_returns(circle: Circle) -> None:
    greet = await circle.ruby("def handler(input)\n  { message: \"Hello, #{input['name']}!\" }\nend\n")
    answer = await greet.invoke({"name": "Ada"})
    assert answer.status_code == 200
    assert answer.json() == {"message": "Hello, Ada!"}


async def test_every_call_leaves_a_run_that_tells_what_happened(circle: Circle) -> None:
    greet = await circle.ruby("def handler(input)\n  puts 'working'\n  input['n'] + 1\nend\n")
    answer = await greet.invoke({"n": 41})
    run = await greet.run(run_id_of(answer))
    assert run["status"] == "completed"
    assert run["input"] == {"n": 41}
    assert run["output"] == 42
    assert [line["text"] for line in run["logs"]["lines"]] == ["working"]
