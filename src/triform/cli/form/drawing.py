"""A plan as people read it."""

from collections.abc import Iterator

from triform.cli.form.attached import AttachmentStep
from triform.cli.form.steps import ElementStep, Plan
from triform.cli.terminal import Terminal

_MARKS = {
    "create": ("+", "green"),
    "attach": ("+", "green"),
    "update": ("~", "yellow"),
    "change": ("~", "yellow"),
    "deploy": ("^", "cyan"),
    "take-out": ("-", "yellow"),
    "detach": ("-", "red"),
    "delete": ("-", "red"),
}


def draw(terminal: Terminal, plan: Plan) -> None:
    """One line for each thing to be done, then how much stays as it is."""
    terminal.say(f"circle {plan.circle}", "bold")
    for action, text in _lines(plan):
        mark, style = _MARKS[action]
        terminal.marked(f"  {mark} {action:<9}", style, text)
    same = sum(each.action == "unchanged" for each in plan.elements)
    if same:
        terminal.say(f"  = unchanged: {same}", "dim")
    for remark in plan.remarks:
        terminal.say(f"  {remark}", "dim")


def _lines(plan: Plan) -> Iterator[tuple[str, str]]:
    for element in plan.elements:
        if element.action != "unchanged":
            yield element.action, _element(element)
    for attachment in plan.attachments:
        yield attachment.action, _attachment(attachment)
    for element in plan.elements:
        if element.deploy:
            yield "deploy", element.slug
    for element in plan.removals:
        yield element.action, _element(element)


def _element(step: ElementStep) -> str:
    changes = f": {', '.join(step.changes)}" if step.changes else ""
    return f"{step.element_type} {step.slug}{changes}"


def _attachment(step: AttachmentStep) -> str:
    pinned = f", pinned to version {step.version_pin}" if step.version_pin else ""
    target = "the circle" if step.target is None else step.target
    return f"{step.source} → {target} (priority {step.priority}, {step.cascade_policy}{pinned})"
