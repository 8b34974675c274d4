"""Reaching a source: every request guarded and limited by `logic.fetch`, repeated if it helps.

Tried again: an answer of 429 or 5xx, and a connection that failed. Not: an address that may not be
asked, an answer that is too large. What the source asks to wait is waited for, within bounds.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

from ckanext.govopen.logic.fetch import Answer, FetchRefused, Limits, fetch, parts_of

from govopen_harvesters.contract import Json, SourceFault

PASSING = (429, 500, 502, 503, 504)
TRANSIENT = ("fetch.E7", "fetch.E9")
ATTEMPTS = 3
LONGEST_WAIT = 30.0  # seconds
TOLD_EVERY = 5.0  # seconds: bytes that arrive are progress
MOST_JSON = 20 << 20
DEFAULT = Limits()
# A document handed to a function of a page (JSONP): a name, and the document in brackets.
_CALLED = re.compile(r"(?:/\*\*/)?[\w$.]{1,100}\((.*)\);?", re.DOTALL)


@dataclass(frozen=True)
class Fetched:
    """A file that was downloaded, under the name that it bears; `url` is where the last hop led."""

    path: Path
    name: str
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class GuardedWeb:
    """The network as connectors see it.

    Args:
        inside: hosts of one's own network that may be reached.
        wait: sleeps for so many seconds; tests pass another.
        on_progress: told every few seconds while bytes arrive; may raise `Halt`.
    """

    def __init__(
        self,
        inside: frozenset[str] = frozenset(),
        limits: Limits = DEFAULT,
        wait: Callable[[float], None] = time.sleep,
        on_progress: Callable[[], None] = lambda: None,
    ) -> None:
        self._inside, self._limits, self._wait = inside, limits, wait
        self._on_progress, self._told = on_progress, time.monotonic()

    @contextmanager
    def download(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Fetched]:
        """The file at an address, on disk for as long as the block runs.

        Raises:
            SourceFault: it could not be had whole.
        """
        with TemporaryDirectory(prefix="harvest-") as folder:
            name = Path(unquote(parts_of(url).path)).name or "file"
            path = Path(folder) / name[-100:]
            answers: list[Answer] = []

            def take(answer: Answer) -> bytes:
                answers.append(answer)
                return self._save(answer, path)

            self._get(url, headers, take)
            yield Fetched(path, name, answers[-1].url, answers[-1].headers)

    def json(
        self, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> tuple[Json, str]:
        """The JSON document at an address, and the SHA-256 of its bytes.

        Args:
            body: posted where there is one.

        Raises:
            SourceFault: no document, or it could not be had whole.
        """
        wanted = {"Accept": "application/json", **(headers or {})}
        found = self._get(url, wanted, self._whole, body)
        return parsed(found, url), sha256(found).hexdigest()

    def require_inside(self, host: str, port: int) -> None:
        """Lets through a listed host of one's own network, for what is no request of the web.

        Raises:
            SourceFault: `harvest.E36` it is not listed.
        """
        if not {host.lower(), f"{host.lower()}:{port}"} & self._inside:
            raise SourceFault("harvest.E36", host=f"{host}:{port}")

    def _get(
        self,
        url: str,
        headers: Mapping[str, str] | None,
        take: Callable[[Answer], bytes],
        body: bytes | None = None,
    ) -> bytes:
        for attempt in range(1, ATTEMPTS + 1):
            fault, pause = self._try(url, headers, take, body)
            if isinstance(fault, bytes):
                return fault
            if attempt == ATTEMPTS or pause is None:
                raise fault
            self._wait(min(LONGEST_WAIT, max(pause, 2.0**attempt) * random.uniform(0.5, 1)))  # noqa: S311 no secret hangs on it
        raise AssertionError

    def _try(
        self,
        url: str,
        headers: Mapping[str, str] | None,
        take: Callable[[Answer], bytes],
        body: bytes | None,
    ) -> tuple[bytes | SourceFault, float | None]:
        """The body, or what went wrong and after how many seconds it may be tried again."""
        inside, limits = self._inside, self._limits
        try:
            with fetch(url, headers=headers, body=body, inside=inside, limits=limits) as answer:
                if 200 <= answer.status < 300:
                    return take(answer), None
                fault = SourceFault("harvest.E10", status=answer.status, host=_host(url))
                return fault, _asked_wait(answer) if answer.status in PASSING else None
        except FetchRefused as refused:
            fault = SourceFault(refused.code, **refused.facts)
            return fault, 0.0 if refused.code in TRANSIENT else None

    def _save(self, answer: Answer, path: Path) -> bytes:
        received = 0
        with path.open("wb") as file:
            for block in self._blocks(answer):
                file.write(block)
                received += len(block)
        _require_whole(answer, received)
        return b""

    def _whole(self, answer: Answer) -> bytes:
        body = bytearray()
        for block in self._blocks(answer):
            body += block
            if len(body) > MOST_JSON:
                raise FetchRefused("fetch.E6", megabytes=MOST_JSON >> 20)
        _require_whole(answer, len(body))
        return bytes(body)

    def _blocks(self, answer: Answer) -> Iterator[bytes]:
        """The body as it comes; that it comes is told."""
        for block in answer.blocks():
            if time.monotonic() - self._told >= TOLD_EVERY:
                self._told = time.monotonic()
                self._on_progress()
            yield block


def _require_whole(answer: Answer, received: int) -> None:
    """Refuses a body shorter than announced: a cut looks like an end."""
    announced = answer.headers.get("content-length", "")
    is_plain = answer.headers.get("content-encoding", "identity") == "identity"
    if is_plain and announced.isdecimal() and int(announced) != received:
        raise FetchRefused("fetch.E9", host=_host(answer.url))


def _asked_wait(answer: Answer) -> float:
    """The seconds that an answer asks to wait (RFC 9110 §10.2.3): a number, or a moment."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdecimal():
        return float(said[:6])
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return 0.0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return max(0.0, (aware - datetime.now(timezone.utc)).total_seconds())


def _host(url: str) -> str:
    return urlsplit(url).hostname or "–"


def parsed(body: bytes, url: str = "") -> Json:
    """A JSON document, also one in the call of a function.

    Raises:
        SourceFault: `harvest.E11` with the place of the fault.
    """
    try:
        text = text_of(body)
        called = _CALLED.fullmatch(text.strip())
        return json.loads(called[1] if called else text, parse_constant=_refused_constant)
    except json.JSONDecodeError as error:
        raise SourceFault("harvest.E11", place=error.pos, host=_host(url)) from error
    except (RecursionError, ValueError) as error:
        raise SourceFault("harvest.E11", place="–", host=_host(url)) from error


def _refused_constant(name: str) -> Json:
    raise ValueError(name)


def text_of(body: bytes) -> str:
    """Text in UTF-8 or UTF-16 as its mark says, else UTF-8, else GB18030.

    Raises:
        ValueError: none of them.
    """
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("gb18030")
