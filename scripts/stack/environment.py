"""The virtual environment in the checkout, kept equal to the lock files.

`.venv/govopen.json` holds a fingerprint of what each layer was made from: the libraries
(`config/constraints.txt`), the product itself (editable), the tools for tests. The product's own
modules are compiled beside their sources, since the account of the parts may not write there.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.identity import RunUser
from stack.layout import Checkout
from stack.messages import StackError, say, step

MARKER = "govopen.json"
OLDEST = (3, 10)
INTERPRETERS = (
    *(f"python3.{minor}" for minor in range(14, 9, -1)),
    "python3",
    "/usr/bin/python3",
    "/usr/local/bin/python3",
)
LAYERS = {
    "libraries": ("config/constraints.txt",),
    "product": ("pyproject.toml", "setup.py"),
    "tests": ("config/constraints-dev.txt",),
}
# what the programs import of ours; an editable installation leaves it uncompiled
SOURCES = ("ckanext-govopen", "harvesters", "scripts")


def fingerprint(checkout: Checkout, layer: str) -> str:
    """Return a hash of the files that decide about a layer, and of the Python in use."""
    digest = hashlib.sha256()
    for name in LAYERS[layer]:
        digest.update((checkout.root / name).read_bytes())
    digest.update(str(checkout.site_packages).encode())
    return digest.hexdigest()


def is_ready(checkout: Checkout, user: RunUser, layers: tuple[str, ...]) -> bool:
    """Tell whether every layer is in place and the account can run its Python."""
    marks = _marks(checkout)
    return all(marks.get(layer) == fingerprint(checkout, layer) for layer in layers) and user.runs(
        [str(checkout.python), "-c", ""]
    )


def ensure(checkout: Checkout, user: RunUser, *, tests: bool = False) -> None:
    """Make the virtual environment, or bring it up to date."""
    layers = ("libraries", "product", *(("tests",) if tests else ()))
    if not is_ready(checkout, user, layers):
        if not os.access(checkout.root, os.W_OK):
            raise StackError("checkout_read_only", path=checkout.root)
        with one_at_a_time(checkout.root):
            if not _is_usable(checkout, user):
                _create(checkout, user)
            for layer in layers:
                _bring_up(checkout, layer)
    compile_sources(checkout)


def compile_sources(checkout: Checkout) -> None:
    """Compile what was changed of our own modules, so that no program has to do it at its start.

    A checkout that cannot be written to is served as it is.
    """
    folders = [str(checkout.root / name) for name in SOURCES]
    _run([str(checkout.python), "-S", "-m", "compileall", "-q", *folders])


def _is_usable(checkout: Checkout, user: RunUser) -> bool:
    """Tell whether the environment runs and can be installed into; one cut off half-way cannot."""
    can_install = checkout.tool("uv").exists() or shutil.which("uv") is not None
    check = "" if can_install else "import pip"
    return user.runs([str(checkout.python), "-c", check])


def _create(checkout: Checkout, user: RunUser) -> None:
    python = interpreter(user)
    say("python_chosen", python=python, user=user.name)
    with step("step_venv"):
        done = _run([python, "-m", "venv", "--clear", str(checkout.venv)])
        if done.returncode == 0:
            return
        uv = shutil.which("uv")
        if uv is None:
            raise StackError("venv_failed", python=python, output=_tail(done.stdout))
        _must(
            [uv, "venv", "--clear", "--python", python, str(checkout.venv)],
            "venv_failed",
            python=python,
        )


def interpreter(user: RunUser) -> str:
    """Return a Python that is new enough and that the account can run.

    A Python below root's home is of no use to the unprivileged user the parts run as.
    """
    check = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    base = str(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")
    found = (base, *filter(None, map(shutil.which, INTERPRETERS)))
    for candidate in dict.fromkeys(found):
        if user.runs([candidate, "-c", check]):
            return candidate
    raise StackError("no_python", user=user.name, tried="、".join(dict.fromkeys(found)))


def _bring_up(checkout: Checkout, layer: str) -> None:
    if _marks(checkout).get(layer) == fingerprint(checkout, layer):
        return
    makers: dict[str, Callable[[Checkout], list[str]]] = {
        "libraries": lambda c: ["--no-deps", "-r", str(c.config / "constraints.txt")],
        "product": lambda c: ["--no-deps", "--no-build-isolation", "-e", str(c.root)],
        "tests": lambda c: ["--no-deps", "-r", str(c.config / "constraints-dev.txt")],
    }
    with step(f"step_{layer}"):
        _must([*_installer(checkout), *makers[layer](checkout)], "install_failed")
    marks = _marks(checkout) | {layer: fingerprint(checkout, layer)}
    (checkout.venv / MARKER).write_text(json.dumps(marks, indent=1), encoding="utf-8")


def _installer(checkout: Checkout) -> list[str]:
    """Return the command that installs into the environment: uv, which is fast, else pip."""
    own = checkout.tool("uv")
    pip = [str(checkout.python), "-m", "pip", "--disable-pip-version-check"]
    if not own.exists() and shutil.which("uv") is None:
        _run([*pip, "install", "--quiet", "uv"])
    uv = str(own) if own.exists() else shutil.which("uv")
    if uv:
        return [
            uv,
            "pip",
            "install",
            "--quiet",
            "--compile-bytecode",
            "--python",
            str(checkout.python),
        ]
    return [*pip, "install", "--quiet"]


def _marks(checkout: Checkout) -> dict[str, str]:
    try:
        marks = json.loads((checkout.venv / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return marks if isinstance(marks, dict) else {}


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold a lock on the folder itself, so that two first starts don't build over one another."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def clean_environ() -> dict[str, str]:
    """Return our environment less what would lead the installed programs astray."""
    prefixes = ("PYTHON", "CKAN_", "PG", "VIRTUAL_ENV", "GUNICORN_", "UV_PROJECT")
    return {k: v for k, v in os.environ.items() if not k.startswith(prefixes)}


def program_environ(checkout: Checkout) -> dict[str, str]:
    """Return the environment of the installed programs: they find libmagic in its wheel.

    The Python library `magic` looks for the system's, which a bare system does not have.
    """
    folder = checkout.site_packages / "pylibmagic"
    given = clean_environ()
    path = filter(None, (str(folder), given.get("LD_LIBRARY_PATH")))
    return given | {"LD_LIBRARY_PATH": ":".join(path), "MAGIC": str(folder / "magic.mgc")}


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    # copies, not links: the download cache may belong to somebody else's home
    environ = clean_environ() | {"UV_LINK_MODE": os.environ.get("UV_LINK_MODE", "copy")}
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd="/",
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=environ,
    )


def _must(command: list[str], key: str, **facts: object) -> None:
    done = _run(command)
    if done.returncode != 0:
        raise StackError(key, output=_tail(done.stdout), **facts)


def _tail(output: str, lines: int = 12) -> str:
    return "\n".join(output.strip().splitlines()[-lines:])
