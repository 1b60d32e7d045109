"""Whatever substrate carried an attempt out: what it ended with is kept without the element's secrets."""

from triform.errors import Complaint, Failure, Suggestion
from triform.executor.hide import hidden
from triform.runs.mask import Mask
from triform.runs.model import Ended

SECRET = "quicksilver-in-a-jar"


async def test_nothing_of_a_failure_shows_a_secret() -> None:
    suggestion = Suggestion(why=f"why {SECRET}", fix=f"fix {SECRET}", patch={"a": SECRET}, example={SECRET: 1})
    failure = Failure(
        code="TOY_BROKE", kind="internal", message=f"no {SECRET}", retryable=False, suggestion=suggestion,
        errors=(Complaint(f"/{SECRET}", f"not {SECRET}"),), facts={"deep": [{"x": SECRET}]},
    )  # fmt: skip
    shown = (await hidden(Ended(failure=failure), Mask([SECRET]))).failure
    assert shown is not None
    assert SECRET not in repr(shown)
    assert (shown.code, shown.message, shown.facts) == ("TOY_BROKE", "no [secret]", {"deep": [{"x": "[secret]"}]})


async def test_no_output_shows_a_secret_however_large_it_is() -> None:
    for size in (1, 100_000):
        output = b'["' + b"x" * size + SECRET.encode() + b'"]'
        shown = (await hidden(Ended(output=output), Mask([SECRET]))).output
        assert shown == b'["' + b"x" * size + b'[secret]"]'


async def test_without_secrets_everything_stays_as_it_is() -> None:
    ended = Ended(output=b'{"a":1}')
    assert await hidden(ended, None) is ended
