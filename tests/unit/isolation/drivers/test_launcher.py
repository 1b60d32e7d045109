"""The launcher's own shape: small, isolated, and plans that survive the wire."""

import json
import subprocess
import sys
from pathlib import Path

import triform
from triform.substrates.isolation.drivers.process.launcher.plan import from_json
from triform.substrates.isolation.drivers.process.plans import plan_of, tmp_bytes, trial_plan
from triform.substrates.isolation.interfaces import Limits, TemplateSpec
from triform.substrates.isolation.languages import ImageRecipe, Language

LANGUAGE = Language(
    "toy", "1", "main.toy", ("/bin/toy",), True, ImageRecipe("trixie", ()), Path("/harnesses/toy"), "d"
)


def spec(limits: Limits) -> TemplateSpec:
    return TemplateSpec(
        language="toy",
        image=Path("/images/1/root"),
        code=Path("/code/1"),
        entry="main.toy",
        handler="handler",
        limits=limits,
        load_timeout_ms=1000,
        bundle=Path("/bundles/1"),
    )


def test_the_launcher_loads_little_and_nothing_of_the_server() -> None:
    source = Path(triform.__file__).parent.parent
    program = (
        f"import sys; sys.path.append({str(source)!r}); "
        "import triform.substrates.isolation.drivers.process.launcher.main; print(*sorted(sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    ours = [name for name in loaded if name.startswith("triform.") and ".drivers.process" not in name]
    assert ours == ["triform.substrates", "triform.substrates.isolation", "triform.substrates.isolation.drivers"]
    assert not {"asyncio", "threading", "ssl", "msgspec", "pydantic", "structlog"} & set(loaded)


def test_a_plan_survives_the_wire() -> None:
    for plan in (trial_plan(), plan_of(spec(Limits(memory_mb=64)), LANGUAGE, ["/usr"], frozenset())):
        assert from_json(json.loads(json.dumps(plan.as_json()))) == plan


def test_a_plan_binds_code_bundle_and_harness_and_leaves_room_for_loading() -> None:
    plan = plan_of(spec(Limits(memory_mb=128, pids=40)), LANGUAGE, [], frozenset({"memory", "pids", "cpu"}))
    assert {bind.target: bind.source for bind in plan.binds} == {
        "/harness": "/harnesses/toy",
        "/app": "/code/1",
        "/bundle": "/bundles/1",
    }
    assert (plan.clone.memory, plan.own.memory) == (128 << 20, 192 << 20)
    assert (plan.clone.pids, plan.processes, plan.data) == (40, 0, 0)


def test_where_no_cgroup_counts_rlimits_do() -> None:
    plan = plan_of(spec(Limits(memory_mb=128)), LANGUAGE, [], frozenset())
    assert plan.processes > 64
    assert plan.data > 128 << 20


def test_tmp_is_half_of_the_memory_unless_said_otherwise() -> None:
    assert tmp_bytes(Limits(memory_mb=128)) == 64 << 20
    assert tmp_bytes(Limits(memory_mb=128, tmp_mb=10)) == 10 << 20
