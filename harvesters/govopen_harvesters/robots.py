"""What a site lets programs read (RFC 9309): its robots.txt, asked for once in a run.

A site without one lets everything be read; one that cannot be asked for it is not read at all.
Rules are read by Python's own parser: by the beginning of an address, the first that fits decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

from ckanext.govopen.logic.fetch import USER_AGENT

from govopen_harvesters.contract import LONGEST_PAUSE, SourceFault, Web

MOST_BYTES = 500 << 10  # as much as RFC 9309 §2.5 asks a reader to take
DISALLOWED = "harvest.E47"


@dataclass
class Robots:
    """The rules of the sites that a run reads."""

    web: Web
    _known: dict[str, RobotFileParser] = field(default_factory=dict)

    def require(self, url: str) -> None:
        """Lets through an address that its site lets programs read.

        Raises:
            SourceFault: `harvest.E47` it does not; or its rules cannot be had.
        """
        if not self._rules(url).can_fetch(USER_AGENT, url):
            raise SourceFault(DISALLOWED, page=url, agent=USER_AGENT)

    def delay(self, url: str) -> float:
        """Seconds between two requests that the site asks for."""
        said = self._rules(url).crawl_delay(USER_AGENT)
        return min(float(said or 0), LONGEST_PAUSE)

    def _rules(self, url: str) -> RobotFileParser:
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._known:
            self._known[site] = self._asked(f"{site}/robots.txt")
        return self._known[site]

    def _asked(self, url: str) -> RobotFileParser:
        try:
            headers = {"Accept": "text/plain"}
            with self.web.download(url, headers) as file, file.path.open("rb") as stream:
                text = stream.read(MOST_BYTES).decode("utf-8-sig", "replace")
        except SourceFault as fault:
            if not 400 <= int(fault.facts.get("status") or 0) < 500:
                raise
            text = ""
        rules = RobotFileParser(url)
        rules.parse([line for line in text.splitlines() if _can_be_parsed(line)])
        return rules


def _can_be_parsed(line: str) -> bool:
    """False for a line on which the parser breaks: it says nothing, and the others stand."""
    try:
        RobotFileParser().parse(["User-agent: *", line])
    except ValueError:
        return False
    return True
