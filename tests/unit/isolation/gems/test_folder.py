"""A folder of gem files as a gem source: the index is what the files themselves say."""

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triform.substrates.isolation.gems.errors import SourceTrouble
from triform.substrates.isolation.gems.folder import FolderSource
from triform.substrates.isolation.gems.index import GemFile, checksums

METADATA = """--- !ruby/object:Gem::Specification
name: beta
version: !ruby/object:Gem::Version
  version: '1.10'
platform: {platform}
dependencies:
- !ruby/object:Gem::Dependency
  name: alpha
  requirement: !ruby/object:Gem::Requirement
    requirements:
    - - ">="
      - !ruby/object:Gem::Version
        version: '1'
    - - "<"
      - !ruby/object:Gem::Version
        version: 3
  type: :runtime
- !ruby/object:Gem::Dependency
  name: rspec
  type: :development
required_ruby_version: !ruby/object:Gem::Requirement
  requirements:
  - - ">="
    - !ruby/object:Gem::Version
      version: '3.0'
"""


def gem(path: Path, metadata: str) -> str:
    """A gem file with this metadata; its checksum."""
    packed = gzip.compress(metadata.encode())
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo("metadata.gz")
        entry.size = len(packed)
        tar.addfile(entry, io.BytesIO(packed))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_index_has_what_the_files_say_of_themselves(tmp_path: Path) -> None:
    pure = gem(tmp_path / "beta-1.10.gem", METADATA.format(platform="ruby"))
    linux = gem(tmp_path / "beta-1.10-x86_64-linux.gem", METADATA.format(platform="x86_64-linux"))
    lines = FolderSource(tmp_path).lines("beta")
    assert f"1.10 alpha:>= 1&< 3|checksum:{pure},ruby:>= 3.0" in lines.splitlines()
    assert checksums(lines) == {"1.10": pure, "1.10-x86_64-linux": linux}
    assert GemFile("beta", "1.10", "x86_64-linux", linux).file == "beta-1.10-x86_64-linux.gem"


def test_what_is_no_gem_is_not_in_the_index(tmp_path: Path) -> None:
    (tmp_path / "beta-1.0.gem").write_bytes(b"noise")
    (tmp_path / "beta-2.0.gem").mkdir()
    gem(tmp_path / "beta-3.0.gem", "name: beta")
    gem(tmp_path / "beta-4.0.gem", METADATA.format(platform="ruby").replace("name: beta", "name: other"))
    gem(tmp_path / "beta-5.0.gem", "!!python/object/apply:os.system [id]")
    assert FolderSource(tmp_path).lines("beta") == ""
    assert FolderSource(tmp_path).lines("../beta") == ""


async def test_a_folder_that_is_gone_says_so(tmp_path: Path) -> None:
    source = FolderSource(tmp_path / "absent")
    with pytest.raises(SourceTrouble, match="cannot be read"):
        await source.info("beta")
    with pytest.raises(SourceTrouble, match="cannot be read"):
        await source.fetch("beta-1.0.gem", io.BytesIO())


async def test_nothing_outside_the_folder_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "gems").mkdir()
    (tmp_path / "secret.gem").write_text("secret")
    with pytest.raises(SourceTrouble):
        await FolderSource(tmp_path).fetch("../secret.gem", io.BytesIO())


@given(st.text(max_size=200) | st.text("01.-| ,:&abcdef\n", max_size=200))
def test_whatever_an_index_says_only_checksums_come_out(lines: str) -> None:
    for number, digest in checksums(lines).items():
        assert len(digest) == 64
        assert "/" not in number
