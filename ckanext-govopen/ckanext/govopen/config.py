"""The platform's own options: one function for each, the unit in its name where there is one."""

from __future__ import annotations

from pathlib import Path

import ckan.plugins.toolkit as tk
from ckan.exceptions import CkanConfigurationException

SHORTEST_KEY = 32  # characters


def import_files_path() -> Path:
    """Where uploaded inventories lie: apart, so that a refused one can go without a question."""
    return files_path() / "imports"


def files_path() -> Path:
    """Folder of the uploaded bytes, write-once under their SHA-256."""
    return Path(tk.config["ckanext.govopen.files_path"])


def data_path() -> Path:
    """Folder of this installation's data."""
    return Path(tk.config["ckanext.govopen.data_path"])


def review_profile() -> str:
    """How many roles one person may hold in a case: two_person or strict."""
    return str(tk.config["ckanext.govopen.review_profile"])


def region_code() -> str:
    """Division code (GB/T 2260) of the city that this site serves."""
    return str(tk.config["ckanext.govopen.region_code"])


def site_title_en() -> str:
    """Title of the site on English pages."""
    return str(tk.config["ckanext.govopen.site_title_en"])


def city_level() -> str:
    """Administrative level of the units that an import creates."""
    return str(tk.config["ckanext.govopen.level"])


def audit_key() -> bytes:
    """The key of the audit log's chain, which belongs to this installation alone.

    Raises:
        CkanConfigurationException: there is none, so nothing can be recorded, so nothing is done.
    """
    key = str(tk.config["ckanext.govopen.audit_key"])
    if len(key) < SHORTEST_KEY:
        raise CkanConfigurationException(
            f"ckanext.govopen.audit_key must have at least {SHORTEST_KEY} characters"
        )
    return key.encode()


def secret_key() -> bytes:
    """CKAN's own key of this installation, from which further keys are derived."""
    return str(tk.config["SECRET_KEY"]).encode()


def inside_hosts() -> frozenset[str]:
    """Hosts of one's own network that the platform may send requests to."""
    return frozenset(str(host).lower() for host in tk.config["ckanext.govopen.inside_hosts"])


def rate_targets() -> tuple[str, ...]:
    """Targets of the rates by year, each `RATE.VARIANT=YEAR:PERCENT`; empty: the rule set's own."""
    return tuple(str(one) for one in tk.config["ckanext.govopen.rate_targets"])


def rule_parameters() -> tuple[str, ...]:
    """Numbers for words of rule packs (及时, 定期, 同步), each `PACK.PARAMETER=AMOUNT:UNIT`."""
    return tuple(str(one) for one in tk.config["ckanext.govopen.rule_parameters"])


def register_types_path() -> Path | None:
    """Folder of the operator's own register types, one YAML file each; None for none."""
    folder = tk.config.get("ckanext.govopen.register_types_path")
    return Path(str(folder)) if folder else None


def pilot_units() -> tuple[str, ...]:
    """Units that pilot the standard catalogue, by name, code or id."""
    return tuple(str(one) for one in tk.config["ckanext.govopen.pilot_units"])


def review_legal_check_kinds() -> frozenset[str]:
    """Kinds of cases that take a legal check (法律把关) before the leader."""
    return frozenset(str(tk.config["ckanext.govopen.review_legal_check_kinds"]).split())


def register_publish_workdays() -> int:
    """Working days from the approval of a list's adjustment to its notice."""
    return int(tk.config["ckanext.govopen.register_publish_workdays"])


def review_step_workdays() -> int:
    """Working days that a case may wait at one step before it is escalated."""
    return int(tk.config["ckanext.govopen.review_step_workdays"])


def duty_escalation_workdays() -> int:
    """Working days after the end of a duty's term before the disclosure office is told too."""
    return int(tk.config["ckanext.govopen.duty_escalation_workdays"])


def incoming_path() -> Path:
    """Folder of this machine in which files of harvest sources may lie, and nowhere else."""
    folder = tk.config.get("ckanext.govopen.incoming_path")
    return Path(str(folder)) if folder else data_path() / "incoming"


def harvest_megabytes() -> int:
    """The most that one answer of a harvest source may hold."""
    return int(tk.config["ckanext.govopen.harvest_megabytes"])


def harvest_read_seconds() -> float:
    """Seconds without a byte after which an answer of a harvest source is given up."""
    return float(tk.config["ckanext.govopen.harvest_read_seconds"])


def harvest_total_seconds() -> float:
    """Seconds that an answer may take; a sixtieth more for each megabyte that it may hold."""
    return float(tk.config["ckanext.govopen.harvest_total_seconds"])


def harvest_patience_seconds() -> float:
    """Seconds without any progress after which a harvest run has failed."""
    return float(tk.config["ckanext.govopen.harvest_patience_minutes"]) * 60


def harvest_at_once() -> int:
    """How many sources a worker reads beside each other."""
    return int(tk.config["ckanext.govopen.harvest_at_once"])


def worker_megabytes() -> int:
    """Memory beyond which a worker starts anew at its next stop."""
    return int(tk.config["ckanext.govopen.worker_megabytes"])


def stall_seconds() -> float:
    """Seconds without a word of a worker after which another takes its job up."""
    return float(tk.config["ckanext.govopen.stall_seconds"])
