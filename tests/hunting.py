"""How many examples property tests run. The suite's profile is derandomized: the same ones every time.

`bin/hunt` runs the same tests on other examples each time, and on twenty times as many.
"""

from typing import Any

from hypothesis import HealthCheck, settings

SUITE, HUNT = "suite", "hunt"
_USUAL = 100
_BY_THE_CLOCK = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
"""Health checks that a busy machine fails; and one that says what the tests with fixtures mean to do."""


def register_profiles() -> None:
    always: dict[str, Any] = {"deadline": None, "suppress_health_check": _BY_THE_CLOCK}
    settings.register_profile(SUITE, max_examples=_USUAL, derandomize=True, **always)
    settings.register_profile(HUNT, max_examples=20 * _USUAL, derandomize=False, print_blob=True, **always)
    settings.load_profile(SUITE)


def examples(count: int, **others: Any) -> settings:
    """`count` of them in the suite, as many more as the profile in force says."""
    return settings(max_examples=count * settings().max_examples // _USUAL, **others)
