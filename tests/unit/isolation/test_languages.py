"""A language is a folder; a bad one is refused with everything that is wrong with it."""

from pathlib import Path

import pytest

from triform.substrates.isolation.languages import LanguageRefused, folder_digest, read_languages

TOY = """
language: toy
version: "1"
file: main.toy
command: [/usr/bin/toy, /harness/toy]
forks: false
image: {suite: trixie, packages: [toy]}
"""


def write(root: Path, name: str, text: str = TOY) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "language.yaml").write_text(text)
    return folder


def test_a_language_from_another_folder_stands_beside_the_shipped_ones(tmp_path: Path) -> None:
    write(tmp_path, "toy")
    languages = read_languages([tmp_path])
    assert {"ruby", "toy"} <= languages.keys()
    toy = languages["toy"]
    assert (toy.file, toy.command, toy.forks, toy.check) == (
        "main.toy",
        ("/usr/bin/toy", "/harness/toy"),
        False,
        None,
    )


def test_two_folders_cannot_claim_one_name(tmp_path: Path) -> None:
    write(tmp_path, "one")
    write(tmp_path, "two")
    with pytest.raises(LanguageRefused, match="declared twice"):
        read_languages([tmp_path])


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("language: x", ["/version: missing", "/file: missing", "/command: missing", "/forks: missing", "/image"]),
        (TOY + "colour: red", ["/colour: unknown"]),
        (TOY.replace("forks: false", "forks: 1"), ["/forks: must be bool"]),
        (TOY.replace("[/usr/bin/toy, /harness/toy]", "[]"), ["/command: must be a list of texts"]),
        (TOY.replace("suite: trixie, ", ""), ["/image: must have exactly"]),
        (TOY + "check: check.toy", ["/check: no file check.toy"]),
        (TOY + "gems: {resolve: a}", ["/gems: must have exactly"]),
        (TOY + "gems: {resolve: a, install: b, packages: [c]}", ["/gems: no file a", "/gems: no file b"]),
        ("- a list", ["must be a mapping"]),
        ("a: [", ["expected"]),
    ],
)
def test_everything_wrong_is_told_with_its_path(text: str, complaints: list[str], tmp_path: Path) -> None:
    folder = write(tmp_path, "toy", text)
    with pytest.raises(LanguageRefused) as refused:
        read_languages([tmp_path])
    told = str(refused.value)
    assert all(complaint in told for complaint in complaints)
    assert all(str(folder) in line for line in refused.value.complaints)


def test_the_digest_covers_every_byte_and_name(tmp_path: Path) -> None:
    folder = write(tmp_path, "toy")
    digests = [folder_digest(folder)]
    (folder / "more").write_text("a")
    digests.append(folder_digest(folder))
    (folder / "more").write_text("b")
    digests.append(folder_digest(folder))
    (folder / "more").rename(folder / "less")
    digests.append(folder_digest(folder))
    assert len(set(digests)) == 4


def test_the_image_gems_are_built_in_has_what_code_runs_in_and_more() -> None:
    ruby = read_languages()["ruby"]
    assert ruby.gems
    assert set(ruby.builder.image.packages) == {*ruby.image.packages, *ruby.gems.packages}
    assert ruby.builder.name == "ruby-build"
