"""`ckan govopen worker`: one process that runs background and periodic tasks."""

from __future__ import annotations

import asyncio

import click

__all__ = ["worker"]


@click.command()
@click.option("--once", is_flag=True, help="Do what waits, then stop.")
def worker(once: bool) -> None:
    """Runs background tasks until it is told to stop."""
    from ckanext.govopen.jobs.app import app, conninfo

    asyncio.run(_run(app, conninfo(), wait=not once))


async def _run(app: object, conninfo: str, *, wait: bool) -> None:
    import procrastinate

    connector = procrastinate.PsycopgConnector(conninfo=conninfo)
    with app.replace_connector(connector):  # type: ignore[attr-defined]
        async with app.open_async():  # type: ignore[attr-defined]
            await app.run_worker_async(wait=wait, concurrency=1, install_signal_handlers=wait)  # type: ignore[attr-defined]
