"""Bundles on disk: whole or not there, kept while they are used."""

import os
import tarfile
import time
from pathlib import Path

import pytest

from triform.substrates.isolation.gems.store import Bundle, BundleStore, Contents

CONTENTS = Contents("lock", ("alpha 1.0",), "sha256:image")
LONG_AGO = time.time() - 30 * 86_400


def sealed(store: BundleStore, digest: str) -> Bundle:
    with store.draft() as draft:
        archive = draft / "tar"
        (draft / "lib.rb").write_text("content")
        with tarfile.open(archive, "w") as tar:
            tar.add(draft / "lib.rb", "lib.rb")
        return store.seal(draft, archive, digest, CONTENTS)


def test_what_was_sealed_is_found_whole(tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    bundle = sealed(store, "one")
    assert store.find("one") == bundle
    assert (bundle.contents.bytes, (bundle.files / "lib.rb").read_text()) == (7, "content")
    assert store.find("other") is None
    assert list((tmp_path / "drafts").iterdir()) == []


def test_what_cannot_be_unpacked_leaves_no_bundle(tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    with store.draft() as draft:
        (draft / "tar").write_bytes(b"half a tar" * 100)
        with pytest.raises(ValueError, match="not a tar"):
            store.seal(draft, draft / "tar", "one", CONTENTS)
    assert store.find("one") is None


def test_requirements_lead_to_their_bundle_while_it_exists(tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    bundle = sealed(store, "one")
    store.decide("key", "one")
    assert store.decided("key") == bundle
    assert store.decided("other") is None
    age(tmp_path / "built/one", tmp_path / "decided/key")
    assert store.prune(keep=()) == 1
    assert store.decided("key") is None
    assert list((tmp_path / "decided").iterdir()) == []


def test_only_what_nobody_keeps_or_uses_is_removed(tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    for digest in ("pinned", "used", "unused"):
        sealed(store, digest)
    age(*(tmp_path / "built" / digest for digest in ("pinned", "used", "unused")))
    store.find("used")
    assert store.prune(keep={"pinned"}) == 1
    assert {each.name for each in (tmp_path / "built").iterdir()} == {"pinned", "used"}


def test_gem_files_are_what_their_name_says(tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    right = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    for content, taken in ((b"y", False), (b"x", True)):
        with store.draft() as draft:
            (draft / "gem").write_bytes(content)
            assert store.keep_gem(draft / "gem", right) is taken
            assert store.gem(right).exists() is taken


def age(*places: Path) -> None:
    for place in places:
        os.utime(place, (LONG_AGO, LONG_AGO))
