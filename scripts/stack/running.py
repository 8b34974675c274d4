"""Brings the parts of a configured installation up, in order, and tells when all is healthy."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

from stack import measures, parts, ports, postgresql, redis_server, solr, state, supervisor
from stack.environment import program_environ
from stack.installation import Installation, ckan_ini
from stack.layout import DataFolder
from stack.messages import StackError, say, step

WEB_SECONDS = 300
CLOSED = "closed"  # among the things done: restored, and not yet found sound


def bring_up(one: Installation, *, was_running: bool, fix: bool = False) -> Installation:
    """Start what does not run yet and return the installation with what it now remembers.

    With `fix` a restored folder is mended where it differs from its database.
    """
    if not was_running:
        with step("step_configure"):
            configure(one)
        supervisor.launch(one)
    with step("step_database"):
        postgresql.wait(one)
    one = migrate(one)
    # CKAN asks Solr for its schema when it loads, so Solr comes first
    if not one.external("solr"):
        with step("step_solr"):
            solr.wait(one)
    one = pass_checks(one, fix=fix)
    supervisor.start(one.folder, "web")
    supervisor.start(one.folder, "worker")
    first_accounts(one)  # while the web part comes up
    with step("step_web"):
        wait_for_web(one)
    one = refresh_index(one)
    load_city(one)
    return one


def configure(one: Installation) -> None:
    """Write every file that the parts read."""
    if not one.external("database"):
        postgresql.init(one)
        postgresql.configure(one)
    if not one.external("redis"):
        redis_server.configure(one)
    if not one.external("solr"):
        solr.write_home(one)
    local = one.folder.root / "local.ini"
    if not local.exists():
        state.write_private(local, (one.checkout.config / "local.ini.tmpl").read_text("utf-8"))
    state.write_private(one.folder.ini, ckan_ini(one))
    parts.write(one)


def with_ports(folder: DataFolder, wanted: state.State) -> state.State:
    """Return the state with a free port for each part that listens on the loopback address."""
    chosen: dict[str, int] = {}
    for part in ("postgresql", "solr"):
        taken = frozenset({wanted.port, *chosen.values()})
        port = ports.choose(f"{folder.root} {part}", wanted.ports.get(part), taken)
        if port is None:
            raise StackError("no_free_port")
        chosen[part] = port
    return replace(wanted, ports=chosen)


def fingerprint(one: Installation) -> str:
    """Return a hash of all that decides about the schema and the commands."""
    base = one.checkout.extension
    own = one.checkout.root / "scripts" / "stack" / "postgresql.py"
    files = [one.checkout.config / "constraints.txt", own, *sorted(base.glob("plugin*.py"))]
    for folder in ("migration", "model", "cli"):
        files += sorted(p for p in (base / folder).rglob("*") if p.suffix in (".py", ".sql"))
    digest = hashlib.sha256(" ".join(one.plugins).encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def migrate(one: Installation) -> Installation:
    """Bring roles, schema and rights up to date when anything that decides about them changed."""
    now = fingerprint(one)
    if one.state.done.get("schema") == now:
        return one
    with step("step_schema"):
        postgresql.create(one)
        postgresql.datastore_permissions(one)
        ckan(one, "db", "upgrade", role="govopen_owner")
        postgresql.grant(one)
        stamp(one)
    done = one.state.with_done("schema", now)
    state.save(one.folder, done)
    return replace(one, state=done)


def stamp(one: Installation) -> None:
    """Mark the database of a demo or test folder, whose clock may be set."""
    kind = one.state.stamp or ("demo" if one.state.city in ("demo", "small") else "")
    if kind and postgresql.function_exists(one, "govopen_stamp"):
        postgresql.psql(
            one, f"SELECT govopen_stamp('{kind}')", database="ckan", role="govopen_owner"
        )


def ckan(
    one: Installation,
    *arguments: str,
    role: str = "govopen_app",
) -> str:
    """Run a `ckan` command and return what it printed."""
    own = {"PYTHONUTF8": "1", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    given = own | {"CKAN_SQLALCHEMY_URL": one.database_url(role)}
    done = subprocess.run(
        [*parts.ckan(one), *arguments],
        cwd=one.folder.run,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=program_environ(one.checkout) | given,
    )
    if done.returncode != 0:
        log = one.folder.logs / "ckan-command.log"
        log.write_text(done.stdout + done.stderr, encoding="utf-8")
        raise StackError(
            "ckan_failed",
            command=" ".join(arguments),
            log=log,
            output="\n".join((done.stdout + done.stderr).strip().splitlines()[-8:]),
        )
    return done.stdout


def wait_for_web(one: Installation) -> None:
    """Wait until the web part says that it is healthy."""
    end = time.monotonic() + WEB_SECONDS
    while not web_is_healthy(one):
        failing = supervisor.state_of(one.folder, "web") in ("BACKOFF", "FATAL", "EXITED")
        if failing or time.monotonic() > end:
            raise supervisor.not_up(one.folder, "web")
        time.sleep(0.2)


def web_is_healthy(one: Installation) -> bool:
    """Ask `/healthz`, or CKAN's own status where that page does not exist."""
    code = _get(one.local_url + "/healthz")
    return code == 200 or (code == 404 and _get(one.local_url + "/api/3/action/status_show") == 200)


def _get(url: str) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def refresh_index(one: Installation) -> Installation:
    """Make the index anew when its schema is no longer the one that it was made with."""
    if one.external("solr"):
        return one
    now, before = solr.fingerprint(one), one.state.done.get("index")
    if before == now:
        return one
    if before is not None:
        reindex(one)
    known = one.state.with_done("index", now)
    state.save(one.folder, known)
    return replace(one, state=known)


def pass_checks(one: Installation, *, fix: bool) -> Installation:
    """Keep a restored folder closed until database, index, files and approvals agree."""
    if CLOSED not in one.state.done:
        return one
    with step("step_checks"):
        _pass(one, "check", *(["--fix"] if fix else []))
    opened = replace(one.state, done={k: v for k, v in one.state.done.items() if k != CLOSED})
    state.save(one.folder, opened)
    return replace(one, state=opened)


def _pass(one: Installation, *arguments: str) -> None:
    """Run every check in one process; of those that it names, the last is the one that failed."""
    try:
        ckan(one, "govopen", *arguments)
    except StackError as error:
        output, log = error.facts["output"], error.facts["log"]
        said = Path(str(log)).read_text(encoding="utf-8", errors="replace").splitlines()
        named = [line.partition(": ")[2] for line in said if line.startswith("check: ")]
        check = named[-1] if named else "check"
        raise StackError("closed", check=check, log=log, output=output) from error


def reindex(one: Installation) -> None:
    """Make the search index anew."""
    with step("step_index"):
        ckan(one, "govopen", "search", "reindex")


def first_accounts(one: Installation) -> None:
    """Make the accounts of the first start and write them down for whoever installs."""
    if not one.folder.accounts_file.exists():
        with step("step_accounts"):
            ckan(one, "govopen", "account", "bootstrap", "--out", str(one.folder.accounts_file))
            one.folder.accounts_file.chmod(0o600)


def load_city(one: Installation) -> None:
    """Load the fictional city in the background, or go on with it."""
    if one.state.city != "empty" and city_state(one).get("state") != "done":
        supervisor.start(one.folder, "city")
        say("city_loading", city=one.state.city)


def city_state(one: Installation) -> dict[str, object]:
    """Return how far the city is, as its generator wrote it."""
    try:
        found = json.loads(one.folder.city_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def announce(one: Installation, seconds: float) -> None:
    """Print the address, the accounts and what the self-check has found."""
    say("ready", url=one.site_url, seconds=f"{seconds:.0f}")
    if one.state.stamp == "test":
        return
    if one.folder.accounts_file.exists():
        say("accounts", path=one.folder.accounts_file)
        for account in json.loads(one.folder.accounts_file.read_text(encoding="utf-8")):
            roles = ", ".join(account.get("roles", []))
            password = account.get("password", "")
            say("account", name=account["name"], password=password, roles=roles)
    measures.tell(one)
