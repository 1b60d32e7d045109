"""How many examples property tests run. The suite's profile is derandomized: the same ones every time.

`bin/hunt` runs the same tests on other examples each time, and on forty times as many.
"""

from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.internal.conjecture import engine

SUITE, HUNT = "suite", "hunt"
_USUAL = 100
_IN_THE_SUITE = 50
_BY_THE_CLOCK = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
"""Health checks that a busy machine fails; and one that says what the tests with fixtures mean to do."""
_SHRINKING_S = 30
"""A failure that takes a database to repeat would otherwise be made smaller for five minutes before it is told."""


def register_profiles() -> None:
    engine.MAX_SHRINKING_SECONDS = _SHRINKING_S
    phases = [phase for phase in Phase if phase is not Phase.explain]
    always: dict[str, Any] = {"deadline": None, "suppress_health_check": _BY_THE_CLOCK, "phases": phases}
    settings.register_profile(SUITE, max_examples=_IN_THE_SUITE, derandomize=True, **always)
    settings.register_profile(HUNT, max_examples=20 * _USUAL, derandomize=False, print_blob=True, **always)
    settings.load_profile(SUITE)


def examples(count: int, **others: Any) -> settings:
    """As many of `count` as the profile in force says of a hundred, but one at least."""
    return settings(max_examples=max(1, count * settings().max_examples // _USUAL), **others)
