"""`ckan govopen worker`: one process that runs background and periodic tasks."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

__all__ = ["worker"]

log = logging.getLogger(__name__)

HARVEST = "harvest"
LOOK_SECONDS = 30.0
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@click.command()
@click.option("--once", is_flag=True, help="Do what waits, then stop.")
def worker(once: bool) -> None:
    """Runs background tasks until it is told to stop."""
    from ckanext.govopen.jobs.app import app, conninfo

    asyncio.run(_run(app, conninfo(), wait=not once))


async def _run(app: Any, conninfo: str, *, wait: bool) -> None:
    """Tasks one after another; beside them runs of the harvest, which wait for other machines.

    Sources that answer slowly take the slots of the harvest and nobody else's: publishing, purging
    and the recovery of the runs themselves never stand behind them.
    """
    import procrastinate

    from ckanext.govopen import config

    connector = procrastinate.PsycopgConnector(conninfo=conninfo)
    with app.replace_connector(connector):
        async with app.open_async():
            app.perform_import_paths()
            kinds = ((_other_queues(app), 1), ([HARVEST], config.harvest_at_once()))
            if not wait:
                for queues, slots in kinds:
                    await _work(app, queues, slots, wait=False)
                return
            tasks = [
                asyncio.create_task(_work(app, queues, slots, wait=True)) for queues, slots in kinds
            ]
            stop = _stop_on_signals(tasks)
            tasks.append(asyncio.create_task(_watch_memory(stop, config.worker_megabytes())))
            await _until_one_ends(tasks, stop)


def _other_queues(app: Any) -> list[str]:
    """Every queue but that of the harvest: as tasks say, and as their names begin."""
    named = {task.queue for task in app.tasks.values()}
    named |= {name.partition(".")[0] for name in app.tasks}
    return sorted(named - {HARVEST})


async def _work(app: Any, queues: list[str], slots: int, *, wait: bool) -> None:
    await app.run_worker_async(
        queues=queues, concurrency=slots, wait=wait, install_signal_handlers=False
    )


def _stop_on_signals(tasks: list[asyncio.Task[None]]) -> Callable[[], None]:
    """What is at work is told to come to its next stop, and nothing new is begun.

    Returns:
        the same for whoever has another reason.
    """
    from ckanext.govopen.jobs.app import stopping

    def stop() -> None:
        if stopping.is_set():
            return  # a second cancellation would tear what comes to its stop
        stopping.set()
        for task in tasks:
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    return stop


async def _watch_memory(stop: Callable[[], None], most: int, every: float = LOOK_SECONDS) -> None:
    """Stops a process that has grown beyond its bound; supervisor starts a fresh one."""
    while (megabytes := _megabytes()) <= most:
        await asyncio.sleep(every)
    log.warning("the worker has grown to %d MB (at most %d): it starts anew", megabytes, most)
    stop()


def _megabytes() -> int:
    """The memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * PAGE_BYTES >> 20


async def _until_one_ends(tasks: list[asyncio.Task[None]], stop: Callable[[], None]) -> None:
    """Until one ends and the others have followed: the process ends with it and is started anew.

    A worker also ends by itself, without an error, when it has lost the database.
    """
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stop()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended
