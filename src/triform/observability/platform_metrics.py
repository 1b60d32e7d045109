"""The platform's own metrics, all of them: what /metrics shows besides those the element types name.

The reference page is generated from this table. No label ever holds anything of a tenant.
"""

from triform.observability.families import Family

BUILD_INFO = Family("triform_build_info", "gauge", "Always 1; the labels say what runs.", ("version", "python"))
DRAINING = Family("triform_draining", "gauge", "1 while the node takes no new work because it stops.")

DATABASE_UP = Family("triform_database_up", "gauge", "1 when the database answered this very reading, else 0.")
DATABASE_RESTARTS = Family(
    "triform_database_restarts_total", "counter", "Times the embedded Postgres ended and was started again."
)
BACKLOG = Family(
    "triform_backlog_runs",
    "gauge",
    "Asynchronous runs that wait, of all circles and nodes; absent while the database is down.",
)

SLOTS_TOTAL = Family("triform_slots", "gauge", "Runs this node may carry out at once.")
SLOTS_BUSY = Family("triform_slots_busy", "gauge", "Runs it carries out right now.")
QUEUE_DEPTH = Family("triform_queue_depth", "gauge", "Synchronous runs that wait for a slot.")
RUNS_LIVE = Family("triform_runs_live", "gauge", "Runs this node has in hand: at work, waiting or being settled.")
RUNS_ENDED = Family(
    "triform_runs_ended_total",
    "counter",
    "Runs of user work whose end this node has committed.",
    ("status", "trigger"),
)
QUEUE_WAIT = Family("triform_queue_wait_ms", "histogram", "Time from a call to the start of its first attempt.")

GROUP_FLUSHES = Family("triform_group_commit_flushes_total", "counter", "Commits of a group.", ("group",))
GROUP_ITEMS = Family(
    "triform_group_commit_items_total",
    "counter",
    "Runs committed in them; divided by the flushes, the size of a batch.",
    ("group",),
)
GROUP_LARGEST = Family("triform_group_commit_largest", "gauge", "The largest batch since the start.", ("group",))
GROUP_ALONE = Family(
    "triform_group_commit_retried_alone_total",
    "counter",
    "Items written one by one because their batch failed.",
    ("group",),
)
GROUP_WAITING = Family("triform_group_commit_waiting", "gauge", "Items that wait for the next flush.", ("group",))

LOOP_LAST = Family(
    "triform_loop_last_success_timestamp_seconds",
    "gauge",
    "When a background loop last did its work; 0 before the first time.",
    ("loop",),
)
LOOP_FAILURES = Family("triform_loop_failures_total", "counter", "Turns that failed.", ("loop",))
LOOP_DURATION = Family("triform_loop_duration_seconds", "summary", "Turns, and the time they took.", ("loop",))

HTTP_ANSWERS = Family(
    "triform_http_answers_total",
    "counter",
    "Answers by operation (`none` where the address names none) and class of status.",
    ("operation", "status_class"),
)
HTTP_DURATION = Family(
    "triform_http_duration_ms", "histogram", "Time from a request to the head of its answer.", ("operation",)
)

POOL_TEMPLATES = Family("triform_pool_templates", "gauge", "Templates with user code loaded.")
POOL_SPARES = Family("triform_pool_spares", "gauge", "Sandboxes ready for a run.")
POOL_LEASES = Family("triform_pool_leases", "gauge", "Sandboxes at work.")
POOL_MEMORY = Family("triform_pool_memory_mb", "gauge", "Memory reckoned for what is held ready.")
POOL_MEMORY_LIMIT = Family("triform_pool_memory_limit_mb", "gauge", "What the pool may hold ready.")
SANDBOXES = Family(
    "triform_sandbox_events_total",
    "counter",
    "Templates and sandboxes made, used, gone, failed and leaked.",
    ("event",),
)

SPANS = Family("triform_spans_total", "counter", "Spans by what became of them on their way out.", ("outcome",))

PLATFORM = (
    BUILD_INFO, DRAINING, DATABASE_UP, DATABASE_RESTARTS, BACKLOG, SLOTS_TOTAL, SLOTS_BUSY, QUEUE_DEPTH,
    RUNS_LIVE, RUNS_ENDED, QUEUE_WAIT, GROUP_FLUSHES, GROUP_ITEMS, GROUP_LARGEST, GROUP_ALONE,
    GROUP_WAITING, LOOP_LAST, LOOP_FAILURES, LOOP_DURATION, HTTP_ANSWERS, HTTP_DURATION, POOL_TEMPLATES,
    POOL_SPARES, POOL_LEASES, POOL_MEMORY, POOL_MEMORY_LIMIT, SANDBOXES, SPANS,
)  # fmt: skip
