import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from triform.observability.logging import Format, configure_logging
from triform.testing.clock import FakeClock


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def _logging(form: Format = "json", level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    configure_logging(level, form, stream=stream, clock=FakeClock())
    return stream


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def _fail(message: str) -> None:
    held_meanwhile = "-".join(["a", "local", "value"])
    raise ValueError(message if held_meanwhile else "")


def test_an_event_is_one_json_line_with_level_and_microseconds() -> None:
    stream = _logging()
    structlog.get_logger().info("run_ended", run_id="r1", cost=5)
    assert _lines(stream) == [
        {"event": "run_ended", "run_id": "r1", "cost": 5, "level": "info", "at": "2026-01-01T00:00:00.000000Z"}
    ]


def test_events_below_the_level_are_not_written() -> None:
    stream = _logging(level="warning")
    structlog.get_logger().info("chatter")
    structlog.get_logger().warning("trouble")
    assert [line["event"] for line in _lines(stream)] == ["trouble"]


def test_credentials_are_redacted_however_deep_they_lie() -> None:
    stream = _logging()
    structlog.get_logger().info(
        "request",
        headers={"Authorization": "Bearer abc", "X": [{"set-cookie": "abc"}]},
        token="abc",
        token_id="t1",
    )
    assert "abc" not in stream.getvalue()
    assert _lines(stream)[0]["token_id"] == "t1"


def test_a_password_inside_a_connection_url_is_redacted_also_in_a_traceback() -> None:
    stream = _logging()
    try:
        _fail("cannot reach postgresql://triform:hunter2@/db?host=x")
    except ValueError:
        structlog.get_logger().exception("connect_failed", dsn="postgresql://triform:hunter2@/db")
    assert "hunter2" not in stream.getvalue()
    assert "ValueError" in _lines(stream)[0]["exception"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_exceptions_are_shown_without_local_variables(form: Format) -> None:
    stream = _logging(form)
    try:
        _fail("boom")
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "boom" in stream.getvalue()
    assert "a-local-value" not in stream.getvalue()


def test_uvicorns_own_lines_come_out_the_same_way() -> None:
    stream = _logging()
    logging.getLogger("uvicorn.error").info("Application startup %s", "complete")
    assert _lines(stream) == [
        {
            "event": "Application startup complete",
            "level": "info",
            "logger": "uvicorn.error",
            "at": "2026-01-01T00:00:00.000000Z",
        }
    ]


def test_configuring_again_replaces_the_first_instead_of_writing_twice() -> None:
    first = _logging()
    second = _logging()
    logging.getLogger("anything").warning("once")
    assert first.getvalue() == ""
    assert len(_lines(second)) == 1


def test_auto_is_json_when_nobody_watches() -> None:
    stream = _logging("auto")
    structlog.get_logger().info("hello")
    assert _lines(stream)[0]["event"] == "hello"
