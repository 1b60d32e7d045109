"""The operations of a Ruby element as the source document lists them, written down from there, not from chemistry.

Each with verb, path, level, what a good answer has, and the refusals that are documented. `on` is the element of
the scene it is asked of; arguments are made from the scene.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.acceptance.client import Circle, Element

Arguments = Callable[["Scene"], Mapping[str, Any]]

CODE = "def handler(input)\n  puts 'seen'\n  { sum: input.fetch('a', 0) + input.fetch('b', 0) }\nend\n"
NOBODY = "01980000-0000-7000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Scene:
    """`fn` is deployed, has two versions and a run; `limit` is attached to it; `spare` is a variable attached to
    nothing; `shop` is a project with `fn` as its member. `facts` are ids."""

    circle: Circle
    facts: Mapping[str, str]

    def element(self, slug: str) -> Element:
        return Element(self.circle, slug)


async def scene(circle: Circle) -> Scene:
    fn = await circle.ruby(CODE, "fn")
    await fn.patch({"name": "Adds"})
    assert (await fn.post("/ops/deploy")).status_code == 200
    run = (await fn.invoke({"a": 1, "b": 2})).headers["Triform-Run-Id"]
    limit, spare = await circle.variable("limit", 1), await circle.variable("spare", 2)
    attached = await limit.attach(fn)
    await circle.project("shop", "fn")
    bundle = (await fn.get("/ops/export/bundle")).content
    return Scene(
        circle,
        {
            "fn": await fn.id(),
            "spare": await spare.id(),
            "run": run,
            "attachment": attached["attachment_id"],
            "bundle": b64encode(bundle).decode(),
        },
    )


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is asked, and how that is refused. `before` puts the scene into the state in which it is."""

    status: int
    code: str
    given: Arguments = lambda scene: {}
    on: str | None = None
    before: tuple[tuple[str, str, Arguments], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """`has` are members a good answer has; None for an answer that is no JSON object."""

    name: str
    verb: str
    path: str
    level: str
    has: frozenset[str] | None = frozenset()
    given: Arguments = lambda scene: {}
    on: str = "fn"
    status: int = 200
    refusals: tuple[Refusal, ...] = ()
    before: tuple[tuple[str, str, Arguments], ...] = ()
    """Operations (element, path, arguments) that come first."""
    needs: str | None = None
    """The level it asks besides, on the target; None = its own."""


def has(names: str) -> frozenset[str]:
    return frozenset(names.split())


def of(**given: Any) -> Arguments:
    return lambda scene: given


def taking(**names: str) -> Arguments:
    """Arguments by the name of their fact."""
    return lambda scene: {name: scene.facts[fact] for name, fact in names.items()}


ELEMENT = has("id circle slug path element_type category form name intention state version spec meta warnings")
RUN = has(
    "run_id element status input output error attempts logs usage cost_micro_au debits trace_id actor trigger"
)
ATTACHMENT = has("attachment_id source_id target_id priority cascade_policy version_pin")
DELETED = ("fn", "delete", of(confirm=True))
APART = (
    ("limit", "detach", taking(target_id="fn")),
    ("shop", "update", of(spec={"members": []})),
)
"""Nothing is attached to `fn`, and it is nobody's member."""
DISABLED = (("fn", "disable", of()),)
BROKEN = {"source": {"code": "def handler("}}


def bad(**given: Any) -> Refusal:
    """Arguments that cannot be read."""
    return Refusal(422, "INVALID_INPUT", of(**given))


def absent(**given: Any) -> Refusal:
    """What is named is not there."""
    return Refusal(404, "NOT_FOUND", of(**given))


def gone(**given: Any) -> Refusal:
    """Asked of an element that was deleted."""
    return Refusal(404, "NOT_FOUND", of(**given), before=(*APART, DELETED))


def changed(spec: Any) -> tuple[tuple[str, str, Arguments], ...]:
    """`fn` has another spec, which is not deployed."""
    return (("fn", "update", of(spec=spec)),)


LATER = {"source": {"code": f"{CODE}# later\n"}}
RAISES = {"source": {"code": f"raise 'no'\n{CODE}"}}
SLEEPS = {"timeout_ms": 100, "source": {"code": "def handler(input) = sleep"}}
STATUS = has("clone_url commands draft children export health warnings auth")
TREE = has("ancestors children members referenced_by attachments stats")
NEW = {"element_type": "ruby", "slug": "new", "spec": {"source": {"code": CODE}}}
DIAGNOSTICS = has("isolation_reachable worker_available last_error driver strength")
FORWARD = {"from": "draft", "to": "demo"}

TABLE = (
    Row("activity", "GET", "activity", "read", has("events"),
        refusals=(bad(limit=0), bad(since="yesterday"))),
    Row("attach", "POST", "attach", "read", ATTACHMENT, taking(target_id="fn"), on="spare", needs="write",
        refusals=(absent(target_id=NOBODY), bad(),
                  Refusal(409, "NOT_ATTACHABLE", taking(target_id="fn"), on="fn"))),
    Row("attachments", "GET", "attachments", "read", has("attachments")),
    Row("batch_stats", "GET", "batch_stats", "read", has("children aggregate"),
        refusals=(bad(period="year"),)),
    Row("compose", "POST", "compose", "execute", has("added removed"),
        lambda s: {"add": [{"ref": "spare"}], "remove": [{"attachment_id": s.facts["attachment"]}]}, needs="write",
        refusals=(Refusal(409, "NOT_ATTACHABLE", of(add=[{"ref": "spare"}, {"ref": "absent"}])),
                  Refusal(409, "NOT_ATTACHABLE", of(remove=[{"attachment_id": NOBODY}])),
                  bad(add=[{}]))),
    Row("context", "GET", "context", "read", has("nodes edges"), of(depth=2),
        refusals=(bad(depth=11),)),
    Row("create", "POST", "create", "write", ELEMENT, of(**NEW),
        on="shop", status=201,
        refusals=(Refusal(409, "CHILDREN_NOT_ALLOWED", of(element_type="ruby", slug="new"), on="fn"),
                  Refusal(409, "SLUG_TAKEN", of(element_type="variable", slug="fn", spec={"value": 1})),
                  bad(slug="new"), bad(element_type="ruby"),
                  bad(element_type="ruby", slug=""),
                  Refusal(422, "UNKNOWN_ELEMENT_TYPE", of(element_type="rubby", slug="new")),
                  Refusal(422, "INVALID_SPEC", of(element_type="ruby", slug="new", spec={})),
                  Refusal(422, "INVALID_SPEC", of(element_type="ruby", slug="new", spec={"code": CODE})),
                  Refusal(422, "RUBY_SYNTAX_ERROR", of(element_type="ruby", slug="new", spec=BROKEN)))),
    Row("delete", "DELETE", "delete", "admin", ELEMENT, of(confirm=True), before=APART,
        refusals=(Refusal(428, "CONFIRMATION_REQUIRED"), Refusal(409, "ELEMENT_IN_USE", of(confirm=True)),
                  gone(confirm=True))),
    Row("deploy", "POST", "deploy", "write", has("deploy_id status lock bundle timings"),
        refusals=(Refusal(409, "ELEMENT_DISABLED", before=DISABLED),
                  Refusal(422, "RUBY_HANDLER_NOT_FOUND", before=changed({"handler": "absent"})),
                  Refusal(500, "RUBY_EXECUTION_FAILED",
                          before=changed(RAISES)))),
    Row("detach", "POST", "detach", "read", ATTACHMENT, taking(target_id="fn"), on="limit", needs="write",
        refusals=(absent(target_id=NOBODY), Refusal(404, "NOT_FOUND", taking(target_id="spare")))),
    Row("diagnostics", "GET", "diagnostics", "read", DIAGNOSTICS),
    Row("disable", "POST", "disable", "admin", ELEMENT, of(reason="a rest"),
        refusals=(bad(reason=7), gone())),
    Row("enable", "POST", "enable", "admin", ELEMENT, before=DISABLED,
        refusals=(gone(),)),
    Row("export_bundle", "GET", "export/bundle", "read", None),
    Row("get", "GET", "get", "read", ELEMENT, refusals=(gone(),)),
    Row("get_attached_modifiers", "GET", "attached", "read", has("modifiers")),
    Row("import_bundle", "POST", "import/bundle", "write", has("imported skipped errors"),
        lambda s: {"bundle_base64": s.facts["bundle"], "overwrite": True},
        refusals=(Refusal(422, "BUNDLE_REFUSED", of(bundle_base64="bm8=", overwrite=True)), bad())),
    Row("intention", "GET", "intention", "read", has("direct inherited resolved")),
    Row("invoke", "POST", "invoke", "execute", has("sum"), of(a=3, b=4),
        refusals=(Refusal(409, "ELEMENT_DISABLED", before=DISABLED),
                  Refusal(500, "RUBY_EXECUTION_FAILED", of(a="x")),
                  Refusal(409, "DEPLOY_REQUIRED", before=changed({"source": {"requirements": ["json"]}})),
                  Refusal(504, "RUBY_TIMEOUT",
                          before=changed(SLEEPS)))),
    Row("list_attachments", "GET", "targets", "read", has("attachments"), on="limit"),
    Row("logs", "GET", "logs", "read", has("lines complete"), of(limit=5),
        refusals=(bad(since_run_id="x"), bad(limit=0))),
    Row("promote", "POST", "promote", "admin", ELEMENT, of(environment="demo"), on="shop",
        refusals=(Refusal(409, "NOT_PROMOTABLE", of(environment="demo"), on="fn"),
                  Refusal(409, "NOT_PROMOTED", of(environment="live")), bad(environment="dev"),
                  Refusal(409, "DEPLOY_REQUIRED", of(environment="demo"),
                          before=changed(LATER)))),
    Row("readme", "GET", "readme", "read", has("content")),
    Row("readme_update", "POST", "readme_update", "write", has("content"), of(content="# Adds\n"),
        refusals=(bad(), bad(content=7))),
    Row("remove-modifier", "POST", "remove-modifier", "execute", ATTACHMENT, taking(attachment_id="attachment"),
        needs="write",
        refusals=(absent(attachment_id=NOBODY), bad())),
    Row("restore", "POST", "restore", "admin", ELEMENT, of(version=1),
        refusals=(absent(version=9), bad(),
                  gone(version=1))),
    Row("run_cancel", "POST", "runs/{run_id}/cancel", "execute", RUN, taking(run_id="going"),
        refusals=(Refusal(409, "RUN_NOT_CANCELLABLE", taking(run_id="run")), absent(run_id=NOBODY))),
    Row("run_get", "GET", "runs/{run_id}", "read", RUN, taking(run_id="run"),
        refusals=(absent(run_id=NOBODY),)),
    Row("runs", "GET", "runs", "read", has("runs next"), of(limit=5),
        refusals=(bad(limit=501), bad(status="odd"))),
    Row("schema", "GET", "schema", "read", has("tools")),
    Row("source", "GET", "source", "read", has("content encoding exists"), of(path="main.rb"),
        refusals=(bad(path="../etc/passwd"), bad(path="/etc/passwd"),
                  bad(path="a\0b"), bad())),
    Row("source_branches", "GET", "source/branches", "read", has("clone_url branches")),
    Row("source_promote", "POST", "source/promote", "write", has("from to commit version"), of(**FORWARD),
        refusals=(bad(**{"from": "draft", "to": "live"}),
                  Refusal(409, "NOT_PROMOTED", of(**{"from": "demo", "to": "live"})),
                  Refusal(409, "DEPLOY_REQUIRED", of(**FORWARD),
                          before=changed(LATER)))),
    Row("source_repair", "POST", "source/repair", "write", has("dry_run report"),
        refusals=(bad(dry_run="perhaps"),)),
    Row("source_status", "GET", "source/status", "read", STATUS),
    Row("source_validate", "POST", "source/validate", "read", has("valid problems"),
        refusals=(bad(branch="main"),)),
    Row("stats", "GET", "stats", "read", has("runs_per_day success_rate avg_duration_ms health"),
        refusals=(bad(period="year"),)),
    Row("tree", "GET", "tree", "read", TREE, of(include_metadata=True),
        refusals=(bad(depth=11),)),
    Row("update", "PATCH", "update", "write", ELEMENT, of(name="Other"),
        refusals=(bad(slug="other"), bad(spec=[]),
                  Refusal(422, "INVALID_SPEC", of(spec={"memory_mb": 1})),
                  Refusal(422, "RUBY_SYNTAX_ERROR", of(spec=BROKEN)),
                  Refusal(412, "VERSION_MISMATCH", of(name="Other"), headers={"If-Match": '"1"'}))),
    Row("update_meta", "PATCH", "update_meta", "write", ELEMENT, of(meta={"x": 1}),
        refusals=(bad(), bad(meta=[]))),
    Row("validate_source", "POST", "validate_source", "write", has("valid errors"), of(**BROKEN),
        refusals=(bad(), bad(source={}))),
    Row("version", "GET", "version", "read", has("version versions"), of(history=True),
        refusals=(bad(history=True, limit=0),)),
    Row("access", "GET", "access", "read", has("you operations")),
)  # fmt: skip
"""In the order of the source document; `access`, of which only the contract speaks, comes last."""
