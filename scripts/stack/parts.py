"""The parts of a stack as programs: a shell script each, run and kept up by supervisor.

Scripts, and not long lines in supervisor's file, because that file gives a meaning to `%`, `;` and
quotes, which all may stand in a path; and a script can be read and run by hand.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from stack import postgresql, redis_server, solr
from stack.installation import Installation, render
from stack.state import write_private


@dataclass(frozen=True)
class Part:
    """One program under supervisor."""

    name: str
    lines: list[str]
    settings: dict[str, str]
    starts_itself: bool = True


def of(one: Installation) -> list[Part]:
    """Return the parts of this installation in the order in which they start."""
    parts = []
    if not one.external("database"):
        parts.append(
            Part(
                "postgresql",
                postgresql.script(one),
                {"priority": "10", "stopsignal": "INT", "stopwaitsecs": "60", "startretries": "30"},
            )
        )
    if not one.external("redis"):
        parts.append(
            Part(
                "redis",
                [_exec(redis_server.command(one))],
                {"priority": "10", "stopwaitsecs": "20", "startretries": "20"},
            )
        )
    if not one.external("solr"):
        parts.append(
            Part(
                "solr",
                [_exec(solr.command(one))],
                {"priority": "10", "stopwaitsecs": "30", "startretries": "20"},
            )
        )
    return [*parts, web(one), worker(one), city(one)]


def _exec(command: list[str]) -> str:
    return "exec " + shlex.join(command)


_GROUP = {"stopasgroup": "true", "killasgroup": "true"}


def web(one: Installation) -> Part:
    """Return the web part: gunicorn with CKAN."""
    command = [
        str(one.checkout.tool("gunicorn")),
        "--config",
        str(one.checkout.config / "gunicorn.conf.py"),
        "--pythonpath",
        str(one.checkout.config),
        "wsgi:application",
    ]
    host = f"[{one.state.host}]" if ":" in one.state.host else one.state.host
    lines = [f"export GOVOPEN_BIND={shlex.quote(f'{host}:{one.state.port}')}", _exec(command)]
    # gunicorn ends its own workers; after a kill -9 of the master its orphans end by themselves
    return Part(
        "web",
        lines,
        {
            "priority": "50",
            "stopwaitsecs": "25",
            "startretries": "20",
            "startsecs": "8",
            "killasgroup": "true",
        },
        starts_itself=False,
    )


def worker(one: Installation) -> Part:
    """Return the worker of background and scheduled jobs."""
    return Part(
        "worker",
        [_exec([*ckan(one), "govopen", "worker"])],
        _GROUP | {"priority": "60", "stopwaitsecs": "30", "startretries": "20"},
        starts_itself=False,
    )


def city(one: Installation) -> Part:
    """Return the one run that makes the fictional city."""
    command = [*ckan(one), "govopen", "city", "generate", "--size", one.state.city]
    return Part(
        "city",
        ["exec nice -n 5 " + shlex.join(command)],
        _GROUP | {"priority": "70", "stopwaitsecs": "15", "startsecs": "0", "autorestart": "false"},
        starts_itself=False,
    )


def ckan(one: Installation) -> list[str]:
    """Return the beginning of every `ckan` command of this installation."""
    command = str(one.checkout.config / "command.py")
    return [str(one.checkout.python), command, "-c", str(one.folder.ini)]


def write(one: Installation) -> None:
    """Write supervisor's file and the scripts."""
    folder = one.folder.run / "parts"
    folder.mkdir(exist_ok=True)
    head = ["#!/bin/sh", f"export CKAN_INI={shlex.quote(str(one.folder.ini))}"]
    sections = []
    for part in of(one):
        text = "\n".join([*head, *part.lines, ""])
        write_private(folder / f"{part.name}.sh", text)
        sections.append(_section(part))
    socket = str(one.folder.sockets / "supervisor.sock").replace("%", "%%")
    text = render(one.checkout.config / "supervisord.conf.tmpl", socket=socket)
    write_private(one.folder.run / "supervisord.conf", text + "\n".join(sections))


def _section(part: Part) -> str:
    # relative paths: supervisor is started in the folder `run`
    settings = {
        "command": f"/bin/sh parts/{part.name}.sh",
        "autostart": str(part.starts_itself).lower(),
        "autorestart": "true",
        "startsecs": "2",
        "redirect_stderr": "true",
        "stdout_logfile": f"../logs/{part.name}.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "3",
    } | part.settings
    return f"[program:{part.name}]\n" + "".join(f"{k} = {v}\n" for k, v in settings.items())
