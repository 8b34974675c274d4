"""One installation: the checkout, the data folder and all values that its parts are made from."""

from __future__ import annotations

import string
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from stack.layout import Checkout, DataFolder
from stack.ports import LOOPBACK
from stack.state import State

PLUGINS = (
    "govopen_review",
    "govopen_theme",
    "govopen",
    "scheming_datasets",
    "dcat",
    "activity",
    "datastore",
    "expire_api_token",
)
OWN_PLUGINS = {
    "govopen_review": "plugin_review.py",
    "govopen_theme": "plugin_theme.py",
    "govopen": "plugin.py",
}
DATABASES = {
    "govopen_owner": "ckan",
    "govopen_app": "ckan",
    "govopen_loader": "datastore",
    "govopen_reader": "datastore",
}
# redis-py 8 gives every connection a time-out of 5 s, which ends blocking reads of idle workers
REDIS_TIMEOUT_SECONDS = 3600


class Template(string.Template):
    """Text with places like `@{name}`, since `$` and `%` mean something in the files themselves."""

    delimiter = "@"


def render(template: Path, **values: object) -> str:
    """Return the text of a template of `config/` with every place filled in."""
    return Template(template.read_text(encoding="utf-8")).substitute(values)


@dataclass(frozen=True)
class Installation:
    """Everything the parts need to know, with nothing to look up."""

    checkout: Checkout
    folder: DataFolder
    state: State
    keys: dict[str, str]

    def external(self, part: str) -> str | None:
        """Return the URL of a part that somebody else runs, None for our own."""
        return self.keys.get(f"external_{part}")

    @property
    def site_url(self) -> str:
        """Return the address that people use."""
        if self.state.site_url:
            return self.state.site_url
        host = LOOPBACK if self.state.host in ("0.0.0.0", "::") else self.state.host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.state.port}"

    @property
    def local_url(self) -> str:
        """Return the address under which this machine reaches the web part."""
        host = LOOPBACK if self.state.host == "0.0.0.0" else self.state.host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.state.port}"

    def database_url(self, role: str) -> str:
        """Return the SQLAlchemy URL of a role's own database."""
        server = self.external("database")
        where = urlsplit(server) if server else None
        host = (where.hostname if where else None) or LOOPBACK
        port = (where.port or 5432) if where else self.state.ports["postgresql"]
        return f"postgresql://{role}:{self.keys[role]}@{host}:{port}/{DATABASES[role]}"

    @property
    def redis_socket(self) -> Path:
        return self.folder.sockets / "redis.sock"

    @property
    def redis_url(self) -> str:
        url = self.external("redis") or f"unix://{quote(str(self.redis_socket))}?db=0"
        joiner = "&" if "?" in url else "?"
        return f"{url}{joiner}socket_timeout={REDIS_TIMEOUT_SECONDS}"

    @property
    def solr_url(self) -> str:
        """Return the address of the core, without user and password."""
        given = self.external("solr")
        if not given:
            return f"http://{LOOPBACK}:{self.state.ports['solr']}/solr/ckan"
        parts = urlsplit(given)
        host = parts.netloc.rsplit("@", 1)[-1]
        return f"{parts.scheme}://{host}{parts.path.rstrip('/')}"

    @property
    def solr_account(self) -> tuple[str, str]:
        """Return user and password of Solr (empty when an external server asks for none)."""
        given = self.external("solr")
        if not given:
            return "ckan", self.keys["solr"]
        parts = urlsplit(given)
        return parts.username or "", parts.password or ""

    @property
    def plugins(self) -> tuple[str, ...]:
        """Return CKAN's plugins in load order, less those of ours whose module is not there."""
        folder = self.checkout.extension
        return tuple(
            p for p in PLUGINS if p not in OWN_PLUGINS or (folder / OWN_PLUGINS[p]).exists()
        )


def templates_folder(checkout: Checkout) -> str:
    """Return the newer theme where the installed CKAN carries it whole, else the classic one.

    The wheel of 2.12.0 holds a single folder of `templates-midnight-blue`, without `base.html`.
    """
    newer = "templates-midnight-blue"
    whole = (checkout.site_packages / "ckan" / newer / "base.html").exists()
    return newer if whole else "templates"


def ini_value(value: object) -> str:
    """Return the value as CKAN's ini reader needs it (`%` begins an interpolation there)."""
    return str(value).replace("%", "%%")


def ckan_ini(one: Installation) -> str:
    """Return the text of `ckan.ini`."""
    user, password = one.solr_account
    schema = one.checkout.extension / "schemas" / "dataset.yaml"
    values = {
        "site_id": "govopen",
        "site_url": one.site_url,
        "templates_folder": templates_folder(one.checkout),
        "plugins": " ".join(one.plugins),
        "cookie_secure": str(one.site_url.startswith("https:")).lower(),
        # cookies know no ports: two stacks on one host must not share a name
        "cookie_name": f"govopen_{one.state.port}",
        "database_url": one.database_url("govopen_app"),
        "datastore_write_url": one.database_url("govopen_loader"),
        "datastore_read_url": one.database_url("govopen_reader"),
        "redis_url": one.redis_url,
        "solr_url": one.solr_url,
        "solr_user": user,
        "solr_password": password,
        "storage_path": one.folder.storage,
        "data_path": one.folder.root,
        "files_path": one.folder.files,
        "scheming": "scheming.dataset_schemas = ckanext.govopen:schemas/dataset.yaml"
        if schema.exists()
        else "",
        **{name: one.keys[name] for name in ("secret_key", "csrf_key", "token_key", "audit_key")},
    }
    filled = {name: ini_value(value) for name, value in values.items()}
    return render(one.checkout.config / "ckan.ini.tmpl", **filled)
