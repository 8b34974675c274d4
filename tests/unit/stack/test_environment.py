"""What the installed programs find by the environment that the stack gives them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from stack import environment, layout
from stack.layout import Checkout

CODE = """
import magic
print(magic.from_buffer(b"%PDF-1.7", mime=True))
print([line.split()[-1] for line in open("/proc/self/maps") if "libmagic" in line][0])
"""


def test_they_load_libmagic_from_its_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    checkout = layout.here()
    given = environment.program_environ(checkout)
    assert given["LD_LIBRARY_PATH"].endswith(":/nowhere")
    done = subprocess.run(
        [str(checkout.python), "-c", CODE], env=given, capture_output=True, text=True, check=True
    )
    kind, library = done.stdout.split()
    assert kind == "application/pdf"
    assert library.startswith(str(checkout.site_packages))


def test_an_empty_search_path_is_not_made_to_mean_the_present_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    assert ":" not in environment.program_environ(layout.here())["LD_LIBRARY_PATH"]


def test_our_own_modules_are_compiled_and_again_when_they_change(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(layout.here().venv)
    module = tmp_path / "scripts" / "stack" / "one.py"
    module.parent.mkdir(parents=True)
    (module.parent / "broken.py").write_text("def", encoding="utf-8")
    sizes = set()
    for second, text in enumerate(("VALUE = 1", "VALUE = 1\nOTHER = [VALUE, VALUE]")):
        module.write_text(text, encoding="utf-8")
        os.utime(module, (second, second))
        environment.compile_sources(Checkout(tmp_path))
        (compiled,) = module.parent.glob("__pycache__/*.pyc")
        sizes.add(compiled.stat().st_size)
    assert len(sizes) == 2
