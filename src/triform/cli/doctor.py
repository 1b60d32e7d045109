"""`triform doctor`: what this machine offers, and a `FIX:` for everything it lacks."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from triform.cli.outcome import Exit
from triform.cli.terminal import AsJson, Terminal, terminal_of

if TYPE_CHECKING:
    from triform.cli.finding import Finding


def add_to(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Check what an instance needs from this machine. Ends with 1 when something is missing."""
    from triform.cli.checkup import CHECKS
    from triform.cli.up import settings

    terminal, chosen = terminal_of(ctx), settings()
    findings = []
    for check in CHECKS:
        finding = check(chosen)
        findings.append(finding)
        if not terminal.json:
            _tell(terminal, finding)
    failed = any(finding.verdict == "fail" for finding in findings)
    if terminal.json:
        terminal.document({"healthy": not failed, "checks": [_document(finding) for finding in findings]})
    if failed:
        raise typer.Exit(int(Exit.refused))


def _tell(terminal: Terminal, finding: "Finding") -> None:
    style = {"ok": "green", "warn": "yellow", "fail": "bold red"}[finding.verdict]
    terminal.marked(f"{finding.verdict:<4}", style, f" {finding.name}: {finding.message}")
    for note in finding.notes:
        terminal.line(f"     note: {note}")
    if finding.fix:
        terminal.line(f"     FIX: {finding.fix}")


def _document(finding: "Finding") -> dict[str, Any]:
    return asdict(finding)
