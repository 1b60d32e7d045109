"""From unpacked packages to a root filesystem: what maintainer scripts would have done and code relies on.

Nothing of the image is executed. Modes become uniform and world-readable (the sandbox's uid is nobody's),
there are no devices, no set-uid bits, and nothing that only a package manager needs.
"""

import os
import shutil
import stat
from pathlib import Path

from triform.substrates.isolation.images.listing import walk

MOUNT_POINTS = ("app", "bundle", "harness", "tmp", "proc", "dev")
"""Empty folders that drivers mount on."""

_DROPPED = """
    boot home media mnt opt root run srv sys var/cache var/lib var/log
    etc/apt etc/dpkg etc/debconf.conf etc/fstab
    usr/share/man usr/share/locale usr/share/info usr/share/lintian usr/share/bash-completion
    usr/share/debconf usr/share/perl5 usr/share/menu usr/share/pixmaps usr/lib/systemd usr/lib/tmpfiles.d
"""

_FILES = {
    "etc/passwd": (
        "root:x:0:0:root:/tmp:/bin/sh\nsandbox:x:1000:1000:sandbox:/tmp:/bin/sh\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    ),
    "etc/group": "root:x:0:\nsandbox:x:1000:\nnogroup:x:65534:\n",
    "etc/hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "etc/hostname": "sandbox\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "etc/resolv.conf": "",
    "etc/timezone": "Etc/UTC\n",
}
_LINKS = {
    "etc/localtime": "/usr/share/zoneinfo/Etc/UTC",
    "etc/mtab": "/proc/self/mounts",
    "usr/lib/ssl/cert.pem": "/etc/ssl/certs/ca-certificates.crt",
}
_STAND_INS = (("usr/bin/sh", "dash"), ("usr/bin/awk", "mawk"))
_EPOCH_S = 946_684_800


def finish(root: Path) -> None:
    """Turns what mmdebstrap's `extract` variant left into an image; the same packages give the same bytes."""
    for name in _DROPPED.split():
        _delete(root / name)
    _delete_copyrighted_noise(root / "usr/share/doc")
    make_skeleton(root)
    _bundle_certificates(root)
    for name, target in _STAND_INS:
        if not (root / name).exists() and (root / name).with_name(target).exists():
            (root / name).symlink_to(target)
    for path in (*walk(root), root):
        _even_out(path)


def make_skeleton(root: Path) -> None:
    """The files and folders that every root has, the host's too."""
    for name in MOUNT_POINTS:
        _delete(root / name)
        (root / name).mkdir()
    for name, text in _FILES.items():
        _delete(root / name)
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for name, target in _LINKS.items():
        _delete(root / name)
        if (root / name).parent.is_dir():
            (root / name).symlink_to(target)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _delete_copyrighted_noise(documentation: Path) -> None:
    """Licences stay with what they license; changelogs and manuals go."""
    for path in list(walk(documentation)):
        if path.name != "copyright" and not path.is_dir():
            path.unlink()


def _bundle_certificates(root: Path) -> None:
    certificates = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_bytes(b"".join(certificate.read_bytes().rstrip() + b"\n" for certificate in certificates))


def _even_out(path: Path) -> None:
    status = path.lstat()
    if stat.S_ISDIR(status.st_mode):
        path.chmod(0o755)
    elif stat.S_ISREG(status.st_mode):
        path.chmod(0o755 if status.st_mode & 0o111 else 0o644)
    elif not stat.S_ISLNK(status.st_mode):
        path.unlink()
        return
    os.utime(path, (_EPOCH_S, _EPOCH_S), follow_symlinks=False)
