"""`./scripts/start`: set up on the first run, start everything, wait until it is healthy."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from stack import identity, layout, options, ports, preparation, running, state, supervisor
from stack.installation import Installation
from stack.layout import Checkout, DataFolder
from stack.messages import StackError, say, text

LEAST_FREE_BYTES = 700 * 1024 * 1024


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options of the command line."""
    made = options.with_data(options.parser("start"))
    made.add_argument("--port", type=options.port, metavar="N", help=text("help_port"))
    made.add_argument("--host", metavar="H", help=text("help_host"))
    made.add_argument("--site-url", metavar="URL", help=text("help_site_url"))
    made.add_argument("--detach", action="store_true", help=text("help_detach"))
    made.add_argument("--city", choices=state.CITIES, help=text("help_city"))
    made.add_argument("--fix", action="store_true", help=text("help_start_fix"))
    made.add_argument("--stamp", choices=("test",), help=argparse.SUPPRESS)
    return made.parse_args(arguments)


def run(arguments: list[str]) -> int:
    """Run the command: prepare with the rights we have, then serve without root's."""
    chosen = parse(arguments)
    checkout = layout.here()
    folder = layout.data_folder(chosen.data, checkout)
    user = identity.run_user(folder.root)
    if os.geteuid() == 0 or Path(sys.prefix).resolve() != checkout.venv.resolve():
        preparation.prepare(checkout, folder, user)
        preparation.go_on_inside(checkout, folder, user, ["start", *arguments])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _one_start(folder):
        one = installation(checkout, folder, chosen)
        serve(one, fix=chosen.fix)
    if chosen.detach:
        return 0
    return stay(one)


@contextmanager
def _one_start(folder: DataFolder) -> Iterator[None]:
    """Keep a second start of the same data folder out while this one works."""
    with (folder.run / "start.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StackError("start_in_progress", path=folder.root) from error
        yield


def installation(
    checkout: Checkout, folder: DataFolder, chosen: argparse.Namespace
) -> Installation:
    """Return the installation that the options and the folder's own memory describe."""
    known = state.load(folder)
    if known and chosen.city and chosen.city != known.city:
        raise StackError("city_fixed", path=folder.root, city=known.city)
    before = known or state.State(city=chosen.city or "demo", stamp=chosen.stamp or "")
    wanted = replace(
        before,
        host=chosen.host or before.host,
        port=chosen.port or before.port,
        site_url=before.site_url if chosen.site_url is None else chosen.site_url.rstrip("/"),
    )
    options.check_host(wanted.host, wanted.city, wanted.stamp)
    keys = state.keys(folder)
    if supervisor.is_running(folder):
        if wanted != before:
            raise StackError("runs_elsewhere", port=before.port)
        return Installation(checkout, folder, wanted, keys)
    left = supervisor.end_leftovers(folder)
    if left:
        say("leftovers_ended", names=", ".join(left))
    _check_room(folder)
    if not ports.is_free(wanted.port, wanted.host):
        raise ports.taken(wanted.port)
    placed = running.with_ports(folder, wanted)
    state.save(folder, placed)
    return Installation(checkout, folder, placed, keys)


def _check_room(folder: DataFolder) -> None:
    free = shutil.disk_usage(folder.root).free
    if free < LEAST_FREE_BYTES:
        raise StackError(
            "disk_full", path=folder.root, free=free // 2**20, least=LEAST_FREE_BYTES // 2**20
        )


def serve(one: Installation, *, fix: bool) -> None:
    """Bring every part up; on any failure end what was started and tell why."""
    began = time.monotonic()
    was_running = supervisor.is_running(one.folder)
    try:
        one = running.bring_up(one, was_running=was_running, fix=fix)
    except BaseException:
        if not was_running:
            say("stopping")
            supervisor.end(one.folder)
        raise
    running.announce(one, time.monotonic() - began)


def stay(one: Installation) -> int:
    """Stay in front until Ctrl-C, then stop all."""
    say("press_ctrl_c")
    try:
        while supervisor.is_running(one.folder):
            time.sleep(2)
    except KeyboardInterrupt:
        say("stopping")
        supervisor.end(one.folder)
        say("stopped")
        return 0
    say("stopped")
    return 0
