"""What a build sends back a gem may have written: only plain files and links that stay inside come through."""

import io
import tarfile
from pathlib import Path

import pytest

from triform.substrates.isolation.gems import unpacking
from triform.substrates.isolation.gems.unpacking import unpack


def member(name: str, content: bytes = b"x", **changes: object) -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    for key, value in changes.items():
        setattr(entry, key, value)
    return entry, content


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, b"", type=kind, linkname=target)


def packed(folder: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    path = folder / "bundle.tar"
    with tarfile.open(path, "w") as tar:
        for entry, content in members:
            tar.addfile(entry, io.BytesIO(content))
    return path


def test_files_and_inner_links_come_out_readable_by_everybody(tmp_path: Path) -> None:
    archive = packed(
        tmp_path,
        member("a/b/lib.rb", b"text", mode=0o4700),
        member("a/run", b"#!", mode=0o700),
        member("a/plain", b"p", mode=0o000),
        link("a/b/other.rb", "../plain"),
    )
    out = tmp_path / "out"
    assert unpack(archive, out) == 7
    assert (out / "a/b/other.rb").read_bytes() == b"p"
    assert [(out / name).stat().st_mode & 0o7777 for name in ("a", "a/run", "a/plain", "a/b/lib.rb")] == [
        0o755,
        0o755,
        0o644,
        0o755,
    ]


@pytest.mark.parametrize(
    "hostile",
    [
        member("/proc/planted"),
        member("../planted"),
        member("a/../../planted"),
        link("passwd", "/etc/passwd"),
        link("up", "../up"),
        link("a/b", "../../planted"),
        link("hard", "/etc/passwd", tarfile.LNKTYPE),
        member("device", b"", type=tarfile.CHRTYPE),
        member("pipe", b"", type=tarfile.FIFOTYPE),
        member("folder", b"", type=tarfile.DIRTYPE),
    ],
    ids=lambda each: f"{each[0].name} {each[0].type!r}",
)
def test_what_leads_out_or_is_no_file_is_refused(tmp_path: Path, hostile: tuple[tarfile.TarInfo, bytes]) -> None:
    with pytest.raises(ValueError, match=r"bundle|neither"):
        unpack(packed(tmp_path, member("good"), hostile), tmp_path / "out")
    assert not (tmp_path / "planted").exists()


def test_no_file_is_written_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "inner"
    archive = packed(tmp_path, link("way", "inner"), member("way/planted"))
    with pytest.raises(ValueError, match="fit together"):
        unpack(archive, tmp_path / "out")
    assert not (outside / "planted").exists()


def test_a_file_comes_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fit together"):
        unpack(packed(tmp_path, member("a"), member("a", b"y")), tmp_path / "out")
    with pytest.raises(ValueError, match="fit together"):
        unpack(packed(tmp_path, member("b"), member("b/c")), tmp_path / "other")


@pytest.mark.parametrize(("limit", "most"), [("MOST_BYTES", 3), ("MOST_ENTRIES", 1)])
def test_it_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int) -> None:
    monkeypatch.setattr(unpacking, limit, most)
    with pytest.raises(ValueError, match="more than"):
        unpack(packed(tmp_path, member("a", b"12"), member("b", b"34")), tmp_path / "out")


def test_noise_is_no_tar(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(b"noise" * 300)
    with pytest.raises(ValueError, match="not a tar"):
        unpack(tmp_path / "noise", tmp_path / "out")
