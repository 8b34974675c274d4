"""`./scripts/test`: sets up what the tests need, runs pytest once, leaves nothing behind.

Integration and browser tests share one throw-away stack: an empty city, stamped as test, in a data
folder of its own below the system's temporary folder. When everything is run, what needs that
stack goes through it one by one, and the rest beside it, the pages and the leak matrix on a second
one (`tests/conftest.py` says what).
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack import check_command, environment, identity, layout, ports
from stack.layout import Checkout
from stack.messages import StackError, both, say, warn

PARTS = {
    "unit": ("tests/unit",),
    "contract": ("tests/contract",),
    "integration": ("tests/integration", "tests/scripts"),
    "browser": ("tests/browser",),
    "all": ("tests/unit", "tests/contract", "tests/integration", "tests/scripts", "tests/browser"),
    "long": ("tests",),
}
BESIDE = ("-n", "3", "--dist", "loadscope", "--no-loadscope-reorder")
WITH_STACK = ("integration", "browser", "all", "long")
# Debian package: a program or file that shows it is there
PACKAGES = {
    "chromium-headless-shell": "/usr/bin/chromium-headless-shell",
    "libreoffice-calc": "/usr/bin/soffice",
    "fonts-noto-cjk": "/usr/share/fonts/opentype/noto",
}
LONG_PACKAGES = {"debootstrap": "/usr/sbin/debootstrap"}
APT = ("apt-get", "-o", "DPkg::Lock::Timeout=180", "-qq", "-y")


@dataclass(frozen=True)
class Selection:
    """What is to be run."""

    part: str
    targets: tuple[str, ...]
    rest: tuple[str, ...]


def run(arguments: list[str]) -> int:
    """Run the command."""
    if arguments[:1] in (["-h"], ["--help"]):
        print(both("help_test"))
        return 0
    checkout = layout.here()
    chosen = select(checkout, arguments)
    user = identity.myself_or_nobody()
    if identity.blocked_at(user, checkout.root):
        return elsewhere(checkout, arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    environment.ensure(checkout, user, tests=True)
    system_packages(chosen.part)
    checked = check_command.all_checks(checkout) if chosen.part == "all" else 0
    with stack_for(checkout, chosen.part) as environ:
        tested = pytest(checkout, chosen, environ)
    return tested or checked


def select(checkout: Checkout, arguments: list[str]) -> Selection:
    """Return the part, the folders or files in it, and the arguments for pytest."""
    part, rest = ("all", arguments)
    if arguments and arguments[0] in PARTS:
        part, rest = arguments[0], arguments[1:]
    named = [a for a in rest if a[:1] != "-" and (checkout.root / a.split("::")[0]).exists()]
    folders = [f for f in PARTS[part] if any((checkout.root / f).rglob("test_*.py"))]
    others = [a for a in rest if a not in named]
    return Selection(part, tuple(named or folders), tuple(others))


def elsewhere(checkout: Checkout, arguments: list[str]) -> int:
    """As root in a folder that the stack's user cannot enter: test a copy where it can.

    What lies beside the checkout is linked beside the copy, for the tests on real input.
    """
    with tempfile.TemporaryDirectory(prefix="govopen-checkout-") as parent:
        os.chmod(parent, 0o755)  # noqa: S103  (the stack's user must pass)
        copy = Path(parent) / checkout.root.name
        say("tested_copy", path=copy)
        shutil.copytree(
            checkout.root,
            copy,
            symlinks=True,
            ignore=shutil.ignore_patterns(".venv", "var", ".*_cache", "__pycache__"),
        )
        for beside in checkout.root.parent.iterdir():
            if beside.name != checkout.root.name:
                (Path(parent) / beside.name).symlink_to(beside)
        return subprocess.run(
            [str(copy / "scripts" / "test"), *arguments], cwd=copy, check=False
        ).returncode


def system_packages(part: str) -> None:
    """As root: install Debian's browser, office and fonts for the parts that need them."""
    wanted = PACKAGES | (LONG_PACKAGES if part == "long" else {})
    missing = [name for name, sign in wanted.items() if not os.path.exists(sign)]
    if part not in WITH_STACK or not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        warn("packages_missing", names=" ".join(missing))
        return
    say("packages_install", names=" ".join(missing))
    _apt("update")
    if _apt("install", "--no-install-recommends", *missing):
        warn("packages_missing", names=" ".join(missing))


def _apt(*arguments: str) -> int:
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(
        [*APT, *arguments],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=False,
    ).returncode


@contextmanager
def stack_for(checkout: Checkout, part: str) -> Iterator[dict[str, str]]:
    """Run a throw-away stack around the tests that need one; give its address as environment."""
    if part not in WITH_STACK:
        yield {}
        return
    parent = Path(tempfile.mkdtemp(prefix="govopen-test-"))
    parent.chmod(0o755)
    data = parent / "data"
    port = ports.choose(str(data), None, frozenset())
    with_source(data)
    try:
        started = _door(
            checkout,
            "start",
            data,
            "--port",
            str(port),
            "--city",
            "empty",
            "--stamp",
            "test",
            "--detach",
        )
        if started:
            raise StackError("test_stack_failed", path=data)
        yield {
            "GOVOPEN_TEST_DATA": str(data),
            "GOVOPEN_TEST_URL": f"http://127.0.0.1:{port}",
            "CKAN_INI": str(data / "ckan.ini"),
        }
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _door(checkout, "stop", data, quiet=True)
        shutil.rmtree(parent, ignore_errors=True)


def with_source(data: Path) -> None:
    """Let a stack that is to be started read one source on this machine, at a port free now."""
    port = ports.choose(f"{data} source", None, frozenset())
    data.mkdir()
    settings = (
        "[app:main]", "use = egg:ckan", f"ckanext.govopen.inside_hosts = 127.0.0.1:{port}", ""
    )  # fmt: skip
    (data / "local.ini").write_text("\n".join(settings), encoding="utf-8")


def _door(checkout: Checkout, name: str, data: Path, *arguments: str, quiet: bool = False) -> int:
    sink = subprocess.DEVNULL if quiet else None
    # a session of its own: Ctrl-C is for us, and we stop the stack in order
    return subprocess.run(
        [str(checkout.root / "scripts" / name), "--data", str(data), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=sink,
        stderr=sink,
        check=False,
        start_new_session=True,
    ).returncode


def pytest(checkout: Checkout, chosen: Selection, environ: dict[str, str]) -> int:
    """Run pytest once over everything selected and return its exit code."""
    marks = "long" if chosen.part == "long" else "not long"
    command = [
        str(checkout.python),
        "-m",
        "pytest",
        # CKAN's own plugin starts an application at once; tests/integration/conftest.py has ours
        "-p",
        "no:ckan",
        "-p",
        "no:ckan_fixtures",
        "--import-mode=importlib",
        "-o",
        f"pythonpath={import_path(checkout)}",
        "-m",
        marks,
        *(BESIDE if chosen.targets == PARTS["all"] else ()),
        *chosen.targets,
        *chosen.rest,
    ]
    given = environment.program_environ(checkout) | {
        "PYTHONUTF8": "1",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PATH": f"{checkout.venv}/bin:{os.environ['PATH']}",
    }
    process = subprocess.Popen(command, cwd=checkout.root, env=given | environ)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait(30)
        raise


def import_path(checkout: Checkout) -> str:
    """Return the folders from which tests import: our sources and test folders (no packages).

    Test files may share a name between folders (`test_registers.py` in each layer), which only
    pytest's mode `importlib` allows; that mode leaves helper modules to this list.
    """
    tests = checkout.root / "tests"
    folders = [tests, *(d for d in tests.rglob("*") if d.is_dir() and any(d.glob("*.py")))]
    plain = [str(d.relative_to(checkout.root)) for d in folders if not (d / "__init__.py").exists()]
    return shlex.join(["ckanext-govopen", "harvesters", "scripts", ".", *sorted(plain)])
