"""The container files: what they name exists, only the proxy is reachable, no default password."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack import layout
from stack.commands import COMMANDS, INNER_COMMANDS

ROOT = layout.here().root
DOCKER = ROOT / "docker"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))["services"]


def test_only_the_proxy_publishes_ports(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if "ports" in service} == {"nginx"}


def test_databases_stand_in_a_network_without_a_way_out(services: dict[str, Any]) -> None:
    networks = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))["networks"]
    assert networks["back"] == {"internal": True}
    assert services["database"]["networks"] == services["redis"]["networks"] == ["back"]


def test_no_password_has_a_default(services: dict[str, Any]) -> None:
    text = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
    passwords = re.findall(r"\$\{(\w*PASSWORD\w*)([^}]*)\}", text)
    assert passwords
    assert all(rest.startswith(":?") for _, rest in passwords)
    example = (DOCKER / "env.example").read_text(encoding="utf-8")
    assert {name for name, _ in passwords} <= set(re.findall(r"^(\w+)=$", example, re.MULTILINE))


def test_images_of_others_are_named_with_a_version(services: dict[str, Any]) -> None:
    named = [service["image"] for service in services.values() if "image" in service]
    base = re.search(r"^FROM (\S+)", (DOCKER / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert base is not None
    assert [n for n in (*named, base.group(1)) if not re.search(r":\d+\.\d+", n)] == []


def test_mounted_files_exist(services: dict[str, Any]) -> None:
    mounts = [m.split(":")[0] for s in services.values() for m in s.get("volumes", [])]
    files = [m for m in mounts if m.startswith("./") and Path(m).suffix]
    assert files
    assert [f for f in files if not (DOCKER / f).is_file()] == []


def test_the_application_is_started_by_a_command_that_exists(services: dict[str, Any]) -> None:
    program = Path(services["govopen"]["command"][0]).name
    assert program in COMMANDS
    built = re.search(r"door\.sh (\S+)", (DOCKER / "Dockerfile").read_text(encoding="utf-8"))
    assert built is not None
    assert built.group(1) in INNER_COMMANDS


def test_the_proxy_hides_figures_and_test_pages_and_tells_the_address_it_saw() -> None:
    site = (DOCKER / "nginx" / "govopen.conf").read_text(encoding="utf-8")
    assert "location = /metrics { return 404; }" in site
    assert "location /testing/  { return 404; }" in site
    proxy = (DOCKER / "nginx" / "proxy.inc").read_text(encoding="utf-8")
    assert "X-Forwarded-For $remote_addr;" in proxy


def compose_client() -> list[str] | None:
    """The client of today, which knows the whole format; the one of before does not."""
    client = ["docker", "compose"]
    if shutil.which("docker") is None:
        return None
    done = subprocess.run([*client, "version"], capture_output=True, check=False)
    return client if done.returncode == 0 else None


def test_compose_s_own_client_takes_the_file_and_asks_for_every_password() -> None:
    client = compose_client()
    if client is None:
        pytest.skip("docker compose is not on this machine")
    example = (DOCKER / "env.example").read_text(encoding="utf-8")
    names = re.findall(r"^(\w+)=$", example, re.MULTILINE)
    command = [*client, "-f", str(DOCKER / "compose.yaml"), "config", "--quiet"]
    filled = os.environ | dict.fromkeys(names, "https://open.example.gov.cn")
    done = subprocess.run(command, env=filled, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in names:
        missing = {key: value for key, value in filled.items() if key != name}
        refused = subprocess.run(
            command, env=missing, cwd="/", capture_output=True, text=True, check=False
        )
        assert refused.returncode != 0
        assert name in refused.stderr
