"""The promise of the first line: a Debian with Python and nothing else runs everything.

A root file system is made with debootstrap (minimal, plus python3 and python3-venv), a copy of the
checkout goes in, and the doors are used there: as root, and as an ordinary user.
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from results import record

from stack import ports

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = "python3,python3-venv"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# how this machine reaches mirrors, if by a way of its own
NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
           "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "GOVOPEN_MAVEN_MIRROR")  # fmt: skip
# mounts and processes of the root live in a name space of their own and end with the command
ENTER = (
    'mount --bind "$0" "$0" && mount -t proc proc "$0/proc"'
    ' && mount -t tmpfs tmpfs "$0/dev/shm" && exec chroot "$0" "$@"'
)
UNSHARE = ("unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child")


def mirror() -> tuple[str, str]:
    """Release and mirror of Debian that apt uses on this machine."""
    wanted = "$(ORIGIN) $(CODENAME) $(COMPONENT) $(REPO_URI)"
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", wanted, "Created-By: Packages"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    for line in done.stdout.splitlines():
        origin, release, component, address = line.split()
        if (origin, component) == ("Debian", "main") and "-" not in release:
            return release, address
    pytest.skip("apt knows no mirror of Debian on this machine")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Debian with python3, python3-venv and what a system cannot be without."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a root file system and enter it")
    if shutil.which("debootstrap") is None or shutil.which("apt-get") is None:
        pytest.skip("debootstrap is missing: apt-get install debootstrap")
    release, address = mirror()
    made = tmp_path_factory.mktemp("debian") / "root"
    subprocess.run(
        [*UNSHARE, "debootstrap", "--variant=minbase", f"--include={PACKAGES}",
         release, str(made), address],
        check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    shutil.copyfile("/etc/resolv.conf", made / "etc/resolv.conf")
    shutil.copyfile(ssl.get_default_verify_paths().cafile or CERTIFICATES, made / CERTIFICATES[1:])
    shutil.copyfile(Path(__file__).with_name("in_bare_root.py"), made / "in_bare_root.py")
    subprocess.run([*entered(made), "useradd", "--create-home", "ordinary"], check=True)
    yield made
    shutil.rmtree(made)


def entered(root: Path) -> list[str]:
    return [*UNSHARE, "sh", "-c", ENTER, str(root)]


def copy_of_the_checkout(root: Path, inside: str, user: str) -> None:
    target = root / inside[1:]
    shutil.copytree(
        ROOT,
        target,
        symlinks=True,
        ignore=shutil.ignore_patterns(".venv", "var", ".git", ".*_cache", "__pycache__"),
    )
    owned = [*entered(root), "chown", "-R", f"{user}:", inside]
    subprocess.run(owned, check=True)


def used(root: Path, checkout: str, user: str) -> dict[str, Any]:
    """What the doors did inside the root."""
    port = ports.choose(f"bare {user}", None, frozenset())
    given = {name: os.environ[name] for name in NETWORK if name in os.environ}
    trusted = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT"), CERTIFICATES)
    done = subprocess.run(
        [*entered(root), "python3", "/in_bare_root.py", checkout, user, str(port)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=1800,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"} | given | trusted,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_it_has_python_and_no_other_library_of_ours(root: Path) -> None:
    """Else the runs below would prove less than they say."""
    names = ("magic", "postgres", "redis", "java", "solr", "node", "docker", "pip3", "uv")
    found = [p for name in names for p in (root / "usr").glob(f"*bin/*{name}*")]
    assert found == []
    assert list((root / "usr/lib").rglob("libmagic*")) == []
    assert list((root / "usr/bin").glob("python3.*"))


@pytest.mark.parametrize(
    ("user", "checkout"), [("root", "/opt/govopen"), ("ordinary", "/home/ordinary/政务 公开")]
)
def test_everything_runs_there(root: Path, user: str, checkout: str) -> None:
    copy_of_the_checkout(root, checkout, user)
    said = used(root, checkout, user)
    for name in ("start", "status", "template", "fill", "read", "stop"):
        assert said[name]["code"] == 0, said[name]["output"]
    status = json.loads(said["status"]["output"])
    assert status["healthy"] is True
    assert {p["name"] for p in status["parts"]} >= {"postgresql", "redis", "solr", "web", "worker"}
    assert said["page"]["code"] == 200, said["page"]
    assert "<title>" in said["page"]["text"]
    assert '"rows": 1' in said["read"]["output"]
    assert said["left"] == []
    record(
        f"bare Debian, {user}",
        f"first start {said['start']['seconds']} s (downloads within), "
        f"memory {status['memory_bytes'] / 2**20:.0f} MB, stop {said['stop']['seconds']} s",
    )
