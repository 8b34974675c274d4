"""What the installed programs find by the environment that the stack gives them."""

from __future__ import annotations

import subprocess

import pytest

from stack import environment, layout

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
