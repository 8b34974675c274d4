"""Where things are: the checkout and the data folder."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

SOCKET_LIMIT = 107  # bytes in sockaddr_un.sun_path, less the closing zero
LONGEST_SOCKET_NAME = len("/.s.PGSQL.65535.lock")


@dataclass(frozen=True)
class Checkout:
    """The folder that holds the program."""

    root: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def config(self) -> Path:
        return self.root / "config"

    @property
    def extension(self) -> Path:
        return self.root / "ckanext-govopen" / "ckanext" / "govopen"

    @property
    def jar_lock(self) -> Path:
        return self.config / "solr-jars.lock"

    @property
    def default_data(self) -> Path:
        return self.root / "var"

    def tool(self, name: str) -> Path:
        """Return the path of a program of the virtual environment."""
        return self.venv / "bin" / name

    @property
    def site_packages(self) -> Path:
        """Return the folder of installed libraries (one per interpreter version)."""
        found = sorted(self.venv.glob("lib/python3.*/site-packages"))
        return found[-1] if found else self.venv / "lib" / "site-packages"


def here() -> Checkout:
    """Return the checkout this file belongs to."""
    return Checkout(Path(__file__).resolve().parent.parent.parent)


@dataclass(frozen=True)
class DataFolder:
    """The one folder that holds everything an installation has written."""

    root: Path

    @property
    def state_file(self) -> Path:
        return self.root / "stack.json"

    @property
    def secrets_file(self) -> Path:
        return self.root / "secrets.json"

    @property
    def accounts_file(self) -> Path:
        return self.root / "accounts.json"

    @property
    def city_file(self) -> Path:
        return self.root / "city.json"

    @property
    def ini(self) -> Path:
        return self.root / "ckan.ini"

    @property
    def postgresql(self) -> Path:
        return self.root / "postgresql"

    @property
    def redis(self) -> Path:
        return self.root / "redis"

    @property
    def solr(self) -> Path:
        return self.root / "solr"

    @property
    def storage(self) -> Path:
        return self.root / "storage"

    @property
    def files(self) -> Path:
        return self.root / "files"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def sockets(self) -> Path:
        """Return a private folder whose socket paths are short enough.

        A socket path over 107 bytes fails, so a long data path gets a folder in the system's
        temporary folder, named after the data path.
        """
        if len(bytes(self.run)) + LONGEST_SOCKET_NAME <= SOCKET_LIMIT:
            return self.run
        name = hashlib.sha256(bytes(self.root)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"govopen-{name}"

    def folders(self) -> tuple[Path, ...]:
        """Return the folders that must exist before anything starts."""
        return (
            self.root,
            self.run,
            self.sockets,
            self.logs,
            self.redis,
            self.solr,
            self.storage,
            self.files,
        )


def data_folder(given: str | None, checkout: Checkout) -> DataFolder:
    """Return the data folder that the option names, or the default `var/`, as absolute path."""
    return DataFolder(Path(given).expanduser().resolve() if given else checkout.default_data)
