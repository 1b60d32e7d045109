"""Language-neutral cases (`harnesses/cases/*.yaml`): what any harness under any driver must do.

A case has a `source` per language, an `input`, and what to `expect`; see `Expectation`. A driver's or a
language's tests call `run_case` for each of `cases_for(language)`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from triform.clock import SystemClock
from triform.substrates.isolation.code import CodeStore
from triform.substrates.isolation.interfaces import Driver, Frame, Limits, LoadFailed, Template, TemplateSpec
from triform.substrates.isolation.languages import HARNESSES, Language
from triform.substrates.isolation.maker import thaw
from triform.substrates.isolation.messages import GuestError, parse_error
from triform.substrates.isolation.outcome import Order, Outcome
from triform.substrates.isolation.plan import PLATFORM_ENVIRONMENT
from triform.substrates.isolation.run import Run
from triform.testing.listener import RecordingListener

CASES = HARNESSES / "cases"

_ERROR_KEYS = frozenset(
    {"kind", "class", "message", "exactly", "path", "status", "at", "files", "missing", "problem_line", "cause"}
)
_EXPECT_KEYS = frozenset(
    {"output", "output_length", "cause", "code", "signal", "error", "stdout", "stderr", "stdout_lines"}
    | {"stdout_bytes", "progress", "load_cause", "load_stdout", "load_stderr"}
)


class CaseFailed(AssertionError):
    """What a case expected, and what came instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case in one language. `runs` on one template must all meet `expect`; `differ`: no two outputs equal."""

    name: str
    source: str
    expect: Mapping[str, Any]
    input: Any = None
    handler: str = "handler"
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_ms: int = 20_000
    load_timeout_ms: int = 20_000
    runs: int = 1
    differ: bool = False


def cases_for(language: str, folder: Path = CASES) -> list[Case]:
    """Every case that has a source in this language. ValueError for a case that asks for something unknown."""
    documents = [case for path in sorted(folder.glob("*.yaml")) for case in yaml.safe_load(path.read_text())]
    return [_case(document, language) for document in documents if language in document["source"]]


def _case(document: Mapping[str, Any], language: str) -> Case:
    known = dict(document)
    size = known.pop("input_size", None)
    if size is not None:
        known["input"] = {"text": "x" * size}
    expect = known["expect"]
    unknown = (expect.keys() - _EXPECT_KEYS) | (expect.get("error", {}).keys() - _ERROR_KEYS)
    if unknown:
        raise ValueError(f"{known['name']}: unknown expectations {sorted(unknown)}")
    return Case(**{**known, "source": known["source"][language]})


@dataclass(frozen=True, slots=True)
class Stage:
    """Where cases are played."""

    driver: Driver
    language: Language
    image: Path
    code: CodeStore

    def spec(self, case: Case) -> TemplateSpec:
        return TemplateSpec(
            language=self.language.name,
            image=self.image,
            code=self.code.put({self.language.file: case.source.encode()}),
            entry=self.language.file,
            handler=case.handler,
            limits=Limits(memory_mb=256),
            load_timeout_ms=case.load_timeout_ms,
            environment={**PLATFORM_ENVIRONMENT, **case.environment},
        )


async def run_case(case: Case, stage: Stage) -> None:
    """Plays the case. Raises CaseFailed."""
    try:
        template = await stage.driver.template(stage.spec(case))
    except LoadFailed as failed:
        _check_load_failure(case, failed)
        return
    try:
        _compare("load_cause", None, case.expect.get("load_cause"))
        _check_streams(case, "load_", template.load_output)
        await _play(case, stage, template)
    finally:
        await stage.driver.discard(template)


async def _play(case: Case, stage: Stage, template: Template) -> None:
    outputs: list[bytes | None] = []
    for _ in range(case.runs):
        fresh = template if template.reusable or not outputs else await stage.driver.template(stage.spec(case))
        outputs.append(await _play_once(case, stage, fresh))
        if fresh is not template:
            await stage.driver.discard(fresh)
    if case.differ and len(set(outputs)) < len(outputs):
        raise CaseFailed(f"runs that must differ gave {outputs}")


async def _play_once(case: Case, stage: Stage, template: Template) -> bytes | None:
    listener, clock = RecordingListener(), SystemClock()
    order = Order(
        run_id="case",
        event=json.dumps(case.input).encode(),
        timeout_ms=case.timeout_ms,
        output_limit=6 << 20,
        facts={"operation": "invoke"},
    )
    instance = await stage.driver.clone(template, thaw(clock))
    outcome = await Run(instance, order, listener, clock).drive()
    _check_outcome(case, outcome, listener)
    return outcome.output


def _check_load_failure(case: Case, failed: LoadFailed) -> None:
    _compare("load_cause", failed.cause, case.expect.get("load_cause"))
    _check_error(case.expect.get("error"), parse_error(failed.error))
    _check_streams(case, "load_", failed.output)


def _check_outcome(case: Case, outcome: Outcome, listener: RecordingListener) -> None:
    expect = case.expect
    _compare("cause", outcome.cause.value, expect.get("cause", "ok"), f"{outcome} {listener.stderr!r}")
    for name in ("code", "signal"):
        if name in expect:
            _compare(name, getattr(outcome, name), expect[name])
    if "output" in expect:
        _compare("output", json.loads(outcome.output or b"null"), expect["output"])
    if "output_length" in expect:
        _compare("output_length", len(json.loads(outcome.output or b'""')), expect["output_length"])
    if "progress" in expect:
        _compare("progress", [list(told) for told in listener.progressed], expect["progress"])
    _check_error(expect.get("error"), outcome.error)
    _check_printed(expect, listener)


def _check_printed(expect: Mapping[str, Any], listener: RecordingListener) -> None:
    for name in ("stdout", "stderr"):
        if name in expect:
            _compare(name, getattr(listener, name).decode(), expect[name])
    if "stdout_bytes" in expect:
        _compare("stdout_bytes", listener.stdout.hex(), expect["stdout_bytes"])
    if "stdout_lines" in expect:
        _compare("stdout_lines", listener.stdout.count(b"\n"), expect["stdout_lines"])


def _check_streams(case: Case, prefix: str, frames: Sequence[Frame]) -> None:
    for name, kind in (("stdout", "O"), ("stderr", "E")):
        if prefix + name in case.expect:
            printed = b"".join(frame.payload for frame in frames if frame.kind == kind).decode()
            _compare(prefix + name, printed, case.expect[prefix + name])


def _check_error(expect: Mapping[str, Any] | None, error: GuestError | None) -> None:
    if expect is None:
        return
    if error is None:
        raise CaseFailed(f"expected the error {expect}, got none")
    names = {"class": "class_name"}
    for name in ("kind", "class", "path", "status", "missing"):
        if name in expect:
            _compare(f"error.{name}", getattr(error, names.get(name, name)), expect[name], repr(error))
    _check_text(expect, error)
    if "cause" in expect:
        _check_error(expect["cause"], error.cause)


def _check_text(expect: Mapping[str, Any], error: GuestError) -> None:
    places = [f"{place.file}:{place.line}" for place in error.backtrace]
    wanted = str(expect.get("message", ""))
    matches = error.message == wanted if expect.get("exactly") else re.search(re.escape(wanted), error.message)
    if not matches:
        raise CaseFailed(f"expected a message with {wanted!r}, got {error.message!r}")
    if "at" in expect:
        _compare("error.at", places[:1], [expect["at"]])
    if "files" in expect:
        _compare("error.files", sorted({place.file for place in error.backtrace}), expect["files"])
    if "problem_line" in expect:
        _compare("error.problem_line", [problem.line for problem in error.errors][:1], [expect["problem_line"]])


def _compare(what: str, got: object, wanted: object, more: str = "") -> None:
    if got != wanted:
        raise CaseFailed(f"{what}: expected {wanted!r}, got {got!r}. {more}")
