"""Every language plays every case it has a source for."""

import pytest

from tests.harnesses.conftest import LANGUAGES
from triform.testing.cases import Case, Stage, cases_for, run_case

_PLAYS = [(name, case) for name in LANGUAGES for case in cases_for(name)]


@pytest.mark.parametrize(("language", "case"), _PLAYS, ids=[f"{name}: {case.name}" for name, case in _PLAYS])
async def test_the_harness_does_what_the_case_says(language: str, case: Case, stage: Stage) -> None:
    await run_case(case, stage)
