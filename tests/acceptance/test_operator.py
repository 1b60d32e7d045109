"""What whoever runs the server does beside it, with the command line and the data folder."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2

from tests.acceptance.client import Element, refused
from tests.acceptance.conftest import StartServer, client_of, sign_in
from tests.acceptance.server import IMAGES, Server
from triform.substrates.isolation.images import Image, Images
from triform.substrates.isolation.images.listing import digest
from triform.substrates.isolation.images.model import to_json

PASSWORDS = ("correct horse battery", "staple of another colour")
WHICH = "def handler(input) = File.exist?('/etc/newer')\n"
"""Whether the run is in the newer image of these tests."""


def _triform(data_dir: Path, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRIFORM_")}
    chosen = {"TRIFORM_DATA_DIR": str(data_dir), "TRIFORM_IMAGE_DIR": str(data_dir / "images")}
    command = [sys.executable, "-m", "triform.cli.main", *arguments]
    return subprocess.run(
        command, env=kept | chosen, input=stdin, capture_output=True, text=True, timeout=120, check=False
    )


async def _first_admin(http: httpx2.AsyncClient, server: Server) -> str:
    """ada, admin of acme; an access token of hers."""
    (link,) = re.findall(r"tril_[\w-]+", (server.data_dir / "first-admin.txt").read_text())
    body = {"link": link, "password": PASSWORDS[0], "identity": "ada", "circle_name": "acme"}
    token: str = (await http.post("/api/auth/first", json=body)).json()["token"]
    http.cookies.clear()
    return token


async def test_a_lost_password_is_replaced_whether_the_server_runs_or_not(start_server: StartServer) -> None:
    server = start_server(dev="false")
    async with client_of(server) as http:
        bearer = {"Authorization": f"Bearer {await _first_admin(http, server)}"}
        done = _triform(server.data_dir, "password", "ada", stdin=PASSWORDS[1] + "\n")
        assert (done.returncode, done.stdout) == (0, "ada has a new password; sessions ended: 1\n"), done.stderr
        assert PASSWORDS[1] not in done.stdout + done.stderr + server.log()
        old, new = ({"identity": "ada", "password": password} for password in PASSWORDS)
        refused(await http.post("/api/auth/login", json=old), 401, "UNAUTHENTICATED")
        assert (await http.post("/api/auth/login", json=new)).json()["circle"]["name"] == "acme"
    server.stop()
    assert _triform(server.data_dir, "password", "ada", stdin=PASSWORDS[0] + "\n").returncode == 0
    async with client_of(start_server(dev="false")) as http:
        refused(await http.get("/api/acme/ops/wallet", headers=bearer), 401, "UNAUTHENTICATED")
        refused(await http.post("/api/auth/login", json=new), 401, "UNAUTHENTICATED")
        assert (await http.post("/api/auth/login", json=old)).status_code == 200


def _own_images(data_dir: Path) -> Images:
    """A store of this test alone, with the image all tests run code in."""
    for image in Images(IMAGES).list():
        if image.language == "ruby":
            place = data_dir / "images" / image.digest
            shutil.copytree(image.root.parent, place, symlinks=True, copy_function=_linked)
    return Images(data_dir / "images")


def _linked(source: str, target: str) -> None:
    """A copy that takes no room, where the two lie on one disk."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _newer(images: Images, folder: Path) -> Image:
    """One more image of the same recipe, a day younger, told apart by a file."""
    (image,) = images.list()
    shutil.copytree(image.root, folder / "new/root", symlinks=True, copy_function=_linked)
    (folder / "new/root/etc/newer").touch()
    newer = replace(image, digest=digest(folder / "new/root"), built_at=image.built_at + timedelta(days=1))
    (folder / "new/image.json").write_text(to_json(newer))
    (folder / "new").rename(folder / "images" / newer.digest)
    return newer


async def test_an_image_that_a_deploy_pinned_outlives_newer_ones(
    start_server: StartServer, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    images = _own_images(data_dir)
    (old,) = images.list()
    server = start_server(image_dir=data_dir / "images")
    async with client_of(server) as http:
        circle = await sign_in(http, "acme")
        pinned = await circle.ruby(WHICH, slug="pinned")
        assert (await pinned.post("/ops/deploy")).status_code == 200
        newer = _newer(images, data_dir)
        later = await circle.ruby(WHICH, slug="later")
        assert (await later.invoke({})).json() is True

        told = _triform(data_dir, "image", "prune")
        assert told.stdout == "nothing to remove\n"
        assert "pinned by acme/pinned 1\n" in told.stderr
        assert (await pinned.invoke({})).json() is False

        forced = json.loads(_triform(data_dir, "image", "prune", "--force", "--json").stdout)
        assert [image["digest"] for image in forced["removed"]] == [old.digest]
        assert [image.digest for image in images.list()] == [newer.digest]
    server.stop()
    again = start_server(image_dir=data_dir / "images")
    async with client_of(again) as http:
        element = Element(await sign_in(http, "acme"), "pinned")
        assert (await element.invoke({})).json() is True
    assert '"event": "pinned_image_missing"' in again.log()
