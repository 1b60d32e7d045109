"""Phase 3: the input against the operation's schema, then the type's `before` hooks."""

from triform.errors import InvalidInput, Suggestion
from triform.executor.house import House
from triform.executor.passage import Outcome, Passage, Proceed


async def validate(passage: Passage, proceed: Proceed, house: House) -> Outcome:
    call = passage.call
    complaints = call.operation.check_input(call.input)
    if complaints:
        raise InvalidInput(
            f"The input of {call.operation.name} has {len(complaints)} fault(s).",
            errors=complaints,
            suggestion=Suggestion(
                why="The listed places do not match the operation's input schema.",
                fix="Correct each of them; /openapi.json and the schema operation describe what is accepted.",
                op="schema",
            ),
        )
    if call.operation.execution:
        for name in call.type.hooks.before:
            await house.hooks[name](passage, None, house)
    return await proceed(passage)
