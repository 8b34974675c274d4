"""The jar lock: what is read from it, what is refused."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from doors import free_port

from stack import jars, layout, preparation
from stack.messages import StackError

LOCK = layout.here().jar_lock.read_text(encoding="utf-8")


def test_the_lock_holds_124_different_files_of_73_megabytes() -> None:
    listed = jars.parse_lock(LOCK)
    assert len({jar.file_name for jar in listed}) == 124
    assert 72_000_000 < sum(jar.size for jar in listed) < 74_000_000


def test_a_classifier_is_part_of_the_file_name() -> None:
    native = [jar for jar in jars.parse_lock(LOCK) if jar.classifier]
    assert [jar.file_name for jar in native] == [
        "netty-transport-native-epoll-4.1.119.Final-linux-x86_64.jar"
    ]


@pytest.mark.parametrize("line", ["a:b:1", "a:b:1 short 12", "a:b " + "0" * 64 + " 12"])
def test_a_line_that_is_not_understood_is_named_by_its_number(line: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        jars.parse_lock(f"# heading\n{line}\n")


def test_another_lock_means_another_folder() -> None:
    assert jars.folder_name(LOCK) != jars.folder_name(LOCK + "\n")


def test_a_file_with_other_bytes_does_not_match(tmp_path: Path) -> None:
    good = b"the bytes"
    jar = jars.Jar("g", "a", "1", "", hashlib.sha256(good).hexdigest(), len(good))
    path = tmp_path / jar.file_name
    path.write_bytes(good)
    assert jars.matches(path, jar)
    path.write_bytes(b"The bytes")
    assert not jars.matches(path, jar)


def test_a_folder_that_lacks_a_file_or_holds_a_cut_one_is_not_complete(tmp_path: Path) -> None:
    jar = jars.Jar("g", "a", "1", "", "0" * 64, 3)
    assert not jars.is_complete(tmp_path, (jar,))
    (tmp_path / "a-1.jar").write_bytes(b"ab")
    assert not jars.is_complete(tmp_path, (jar,))
    (tmp_path / "a-1.jar").write_bytes(b"abc")
    assert jars.is_complete(tmp_path, (jar,))


def test_a_first_start_without_a_network_says_what_to_do_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an address where nobody listens, and no cache of downloads."""
    real, root = layout.here(), tmp_path / "checkout"
    for name in ("scripts", "config"):
        shutil.copytree(real.root / name, root / name)
    (root / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (root / ".venv" / name).symlink_to(real.venv / name)
    monkeypatch.setenv("GOVOPEN_MAVEN_MIRROR", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("M2_REPO", str(tmp_path / "downloads"))
    monkeypatch.delenv("GOVOPEN_SOLR_URL", raising=False)
    with pytest.raises(StackError) as caught:
        preparation.bring_jars(layout.Checkout(root))
    assert caught.value.key == "jars_failed"
    for word in ("GOVOPEN_MAVEN_MIRROR", "GOVOPEN_SOLR_URL", ".jar"):
        assert word in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert [path.name for path in (root / ".venv").iterdir() if "jars" in path.name] == []
