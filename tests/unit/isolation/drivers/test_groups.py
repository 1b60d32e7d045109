"""Groups over trees of plain files shaped like the kernel's, and over the real thing where there is one."""

import os
import subprocess
from pathlib import Path

import pytest

from triform.substrates.isolation.drivers.process.launcher import hierarchy, version1, version2
from triform.substrates.isolation.drivers.process.launcher.figures import Usage
from triform.substrates.isolation.drivers.process.launcher.hierarchy import places, read_mounts, version1_bases
from triform.substrates.isolation.drivers.process.launcher.home import PREFIX, Home, sweep
from triform.substrates.isolation.drivers.process.launcher.plan import Bounds
from triform.substrates.isolation.drivers.process.launcher.unbounded import Unbounded
from triform.substrates.isolation.drivers.process.launcher.version2 import Version2

MIB = 1 << 20
BOUNDS = Bounds(memory=64 * MIB, pids=32, cpus=1.5)
EVERYTHING = frozenset({"memory", "pids", "cpu"})

V2_MOUNTS = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1_MOUNTS = """\
31 30 0:27 / {root}/memory rw - cgroup cgroup rw,memory
32 30 0:28 / {root}/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
33 30 0:29 / {root}/pids rw - cgroup cgroup rw,pids
34 30 0:30 / {root}/systemd rw - cgroup cgroup rw,name=systemd
22 1 8:1 / / rw,relatime - ext4 /dev/vda rw
"""


def test_version_2_bounds_are_written_as_the_kernel_wants_them() -> None:
    assert version2.bounds_as_files(BOUNDS) == [
        ("memory.max", str(64 * MIB)),
        ("memory.swap.max", "0"),
        ("memory.oom.group", "1"),
        ("pids.max", "32"),
        ("cpu.max", "150000 100000"),
    ]
    assert version2.bounds_as_files(Bounds(0, 0, 0)) == []


def test_version_1_bounds_leave_no_swap() -> None:
    files = {name: dict(version1.bounds_as_files(name, BOUNDS)) for name in ("memory", "pids", "cpu", "cpuacct")}
    assert files["memory"] == {
        "memory.limit_in_bytes": str(64 * MIB),
        "memory.memsw.limit_in_bytes": str(64 * MIB),
    }
    assert files["pids"] == {"pids.max": "32"}
    assert files["cpu"] == {"cpu.cfs_quota_us": "150000"}
    assert files["cpuacct"] == {}


def test_version_2_hands_its_controllers_on_before_groups_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[str, str]] = []
    monkeypatch.setattr(version2, "write", lambda path, text, optional=False: written.append((str(path), text)))
    groups = Version2(tmp_path, EVERYTHING)
    groups.make("t1.r1", BOUNDS)
    groups.join("t1.r1", 4711)
    groups.widen("t1.r1", 99, 0)
    (home,) = tmp_path.iterdir()
    names = [(path.removeprefix(f"{home}/"), text) for path, text in written]
    assert names[0] == ("cgroup.subtree_control", "+cpu +memory +pids")
    assert ("t1.r1/memory.max", str(64 * MIB)) in names
    assert names[-2:] == [("t1.r1/cgroup.procs", "4711"), ("t1.r1/memory.max", "99")]


def test_version_2_usage_is_read_from_events_peak_and_stat(tmp_path: Path) -> None:
    groups = version2_tree_with(tmp_path, {"memory.events": "low 0\nmax 3\noom 1\noom_kill 2\noom_group_kill 1\n"})
    group = next(home for home in tmp_path.iterdir() if home.is_dir()) / "g"
    (group / "memory.peak").write_text("1048576\n")
    (group / "cpu.stat").write_text("usage_usec 12500\nuser_usec 10000\n")
    (group / "cgroup.procs").write_text("7\n9\n")
    assert groups.usage("g") == Usage(oom_kills=2, cpu_ms=12.5, memory_peak=MIB)
    assert groups.members("g") == [7, 9]


def version2_tree_with(base: Path, files: dict[str, str]) -> Version2:
    groups = Version2.__new__(Version2)
    groups._home = Home(base)
    groups.controllers = EVERYTHING
    groups.places = {"unified": f"{groups._home.path}/"}
    (groups._home.path / "g").mkdir()
    for name, text in files.items():
        (groups._home.path / "g" / name).write_text(text)
    return groups


def test_kernels_without_a_peak_file_still_tell_memory(tmp_path: Path) -> None:
    groups = version2_tree_with(tmp_path, {"memory.current": "4096\n"})
    assert groups.usage("g").memory_peak == 4096


def test_hierarchies_are_found_in_the_mount_table(tmp_path: Path) -> None:
    for name in ("memory/box", "cpu,cpuacct", "pids", "systemd"):
        (tmp_path / name).mkdir(parents=True)
    mounts = list(read_mounts(V1_MOUNTS.format(root=tmp_path)))
    own = "4:memory:/box\n3:cpu,cpuacct:/gone\n2:pids:/\n"
    assert version1_bases(mounts, own) == {
        "memory": tmp_path / "memory/box",
        "cpu": tmp_path / "cpu,cpuacct",
        "cpuacct": tmp_path / "cpu,cpuacct",
        "pids": tmp_path / "pids",
    }


def test_the_unified_hierarchy_is_told_by_its_type() -> None:
    (mount,) = read_mounts(V2_MOUNTS)
    assert mount.controllers == frozenset()
    assert places(mount._replace(point=Path("/nowhere")), "0::/a", "") == []


def test_a_killed_launchers_folders_are_swept_and_a_living_ones_are_not(tmp_path: Path) -> None:
    living = Home(tmp_path)
    (tmp_path / f"{PREFIX}999-dead" / "t1.r1").mkdir(parents=True)
    (tmp_path / "somebody-else").mkdir()
    sweep(tmp_path)
    assert {folder.name for folder in tmp_path.iterdir()} == {living.path.name, "somebody-else"}
    living.close()
    assert [folder.name for folder in tmp_path.iterdir()] == ["somebody-else"]


def test_without_cgroups_what_goes_over_is_found_by_looking() -> None:
    groups = Unbounded()
    with subprocess.Popen(
        ["python3", "-c", "import sys; held = 'x' * (40 << 20); print('held', flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        groups.make("small", Bounds(8 * MIB, 64, 1))
        groups.join("small", process.pid)
        assert groups.look() == ["small"]
        usage = groups.usage("small")
        assert usage.oom_kills == 1
        assert usage.memory_peak > 40 * MIB
        groups.widen("small", 512 * MIB, 0)
        assert groups.look() == []
        assert groups.members("small") == [process.pid]
        process.communicate()
    assert groups.remove("small")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_the_strongest_hierarchy_of_this_machine_bounds_a_real_process() -> None:
    groups = hierarchy.choose()
    if not groups.controllers:
        pytest.skip("no cgroups here")
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        groups.make("g", BOUNDS)
        groups.join("g", process.pid)
        assert groups.members("g") == [process.pid]
        assert not groups.remove("g")
        process.communicate()
    assert groups.usage("g").oom_kills == 0
    assert groups.remove("g")
    groups.close()
