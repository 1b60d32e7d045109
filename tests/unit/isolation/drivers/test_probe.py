"""What a machine cannot do is said with the way out."""

from pathlib import Path

from triform.substrates.isolation.drivers.process import probe


def test_a_machine_that_can_says_what_is_weaker() -> None:
    strong = probe.available({"controllers": ["cpu", "memory", "pids"], "root": True})
    weak = probe.available({"controllers": [], "root": False})
    assert strong.available
    assert strong.weaknesses == probe.ALWAYS
    assert len(weak.weaknesses) == len(probe.ALWAYS) + 4
    assert any("sampled" in text for text in weak.weaknesses)


def test_a_kernel_switch_explains_more_than_an_error_number(tmp_path: Path) -> None:
    switch = tmp_path / "restrict"
    switch.write_text("1\n")
    switches = ((str(switch), "1", "AppArmor forbids it", "sysctl -w x=0"),)
    told = probe.unavailable("clone: Operation not permitted", switches)
    assert not told.available
    assert told.fix == "sysctl -w x=0"
    assert "AppArmor" in told.why_not
    switch.write_text("0\n")
    assert "docker" in probe.unavailable("clone: Operation not permitted", switches).fix
