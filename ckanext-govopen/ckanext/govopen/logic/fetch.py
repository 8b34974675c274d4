"""The one way out: every request that the platform sends to an address which somebody typed.

Threat: the address leads inside (loopback, private networks, a cloud's metadata service), by its
numbers, by DNS, or by a redirect; or what answers never ends, grows without bound or drips.
Rejected: checking the name before the request (DNS answers differently the second time), a list of
forbidden names (there are too many ways to write an address), the client's own redirects (they
leave the filter), a proxy from the environment (it would resolve the name behind our back).
So: the address is looked up once and connected to (requests-hardened), every hop is checked anew,
and a clock cuts the connection whatever it is doing.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from socket import SHUT_RDWR, SOCK_STREAM, gaierror, getaddrinfo
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

USER_AGENT = "GovOpen"
MOST_HOPS = 3
BLOCK = 1 << 16
# Below 1024 the web's own ports alone: the others belong to services that a request could speak to.
WEB_PORTS = (80, 443)
# What another host is told as well; any other header may bear a secret, whatever it is called.
PLAIN_HEADERS = ("accept", "if-modified-since", "if-none-match")
SAME_REQUEST = (307, 308)  # redirects that repeat a body: RFC 9110 §15.4.8 and RFC 9110 §15.4.9


@dataclass(frozen=True)
class Limits:
    """What an answer may cost; seconds and bytes."""

    connect_seconds: float = 5
    read_seconds: float = 15
    total_seconds: float = 120
    most_bytes: int = 50 << 20
    least_bytes_per_second: int = 1024
    grace_seconds: float = 10


class FetchRefused(Exception):  # noqa: N818 the name says what happened
    """A request that was not sent, or whose answer was not taken.

    Attributes:
        code: `fetch.E<n>` of `data/findings/fetch.yaml`.
        facts: what the text of the code mentions; never a secret of the request.
    """

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


@dataclass(frozen=True)
class Answer:
    """An answer whose body is read as it comes; `url` is where the last hop led."""

    url: str
    status: int
    headers: Mapping[str, str]
    _raw: Any
    _limits: Limits
    _began: float

    def blocks(self) -> Iterator[bytes]:
        """The decoded body.

        Raises:
            FetchRefused: too large, too slow, cut off, or not what its encoding says.
        """
        received, packing = 0, _Packing(self.headers.get("content-encoding", ""))
        while packed := self._block():
            for block in packing.opened(packed, urlsplit(self.url).hostname):
                received += len(block)
                if received > self._limits.most_bytes:
                    raise FetchRefused("fetch.E6", megabytes=self._limits.most_bytes >> 20)
                yield block
            self._require_pace(received)
        _require_time(self._began, self._limits)  # what was cut looks like what has ended
        if not packing.is_whole:
            raise FetchRefused("fetch.E9", host=urlsplit(self.url).hostname)

    def _block(self) -> bytes:
        try:
            found: bytes = self._raw.read1(BLOCK, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            _require_time(self._began, self._limits)
            raise FetchRefused("fetch.E9", host=urlsplit(self.url).hostname) from error
        return found

    def _require_pace(self, received: int) -> None:
        passed = time.monotonic() - self._began
        least = passed * self._limits.least_bytes_per_second
        if passed >= self._limits.grace_seconds and received < least:
            raise FetchRefused("fetch.E7", seconds=round(passed))


class _Packing:
    """How a body is packed although nobody asked for it; a pack that was cut is not whole.

    The client's own decoder takes the end of a cut pack for its end.
    """

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        self._window = {"gzip": 31, "x-gzip": 31, "deflate": 15}.get(name)
        self._is_plain = name in ("", "identity")
        self._open = zlib.decompressobj(self._window) if self._window else None

    def opened(self, packed: bytes, host: str | None) -> Iterator[bytes]:
        """What is in some bytes of the body, in pieces that are never large.

        Raises:
            FetchRefused: `fetch.E9` it is not packed as it says.
        """
        if self._is_plain:
            yield packed
            return
        while packed and self._window and self._open is not None:
            if self._open.eof:  # another member follows
                self._open = zlib.decompressobj(self._window)
            try:
                piece = self._open.decompress(packed, BLOCK)
            except zlib.error as error:
                raise FetchRefused("fetch.E9", host=host) from error
            packed = self._open.unconsumed_tail or self._open.unused_data
            if piece:
                yield piece
        if self._open is None:
            raise FetchRefused("fetch.E9", host=host)

    @property
    def is_whole(self) -> bool:
        return self._is_plain or self._open is None or self._open.eof


def _require_time(began: float, limits: Limits) -> None:
    if time.monotonic() - began >= limits.total_seconds:
        raise FetchRefused("fetch.E7", seconds=limits.total_seconds)


@contextmanager
def fetch(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    inside: frozenset[str] = frozenset(),
    limits: Limits = Limits(),
) -> Iterator[Answer]:
    """Gets what is at an address, or what it answers to a body that is posted.

    Args:
        url: http or https, without a user name.
        headers: of the request; another host is told the plain ones alone.
        body: posted where there is one; it follows no redirect to another host.
        inside: exact hosts (`host` or `host:port`) of one's own network that may be reached.

    Raises:
        FetchRefused: `fetch.E1` … `fetch.E9`; nothing was sent to an address that is not allowed.
    """
    began = time.monotonic()
    with _session(inside, limits) as session:
        response = _follow(session, url, dict(headers or {}), body, limits, began)
        try:
            yield Answer(
                response.url, response.status_code, response.headers, response.raw, limits, began
            )
        finally:
            response.close()


def parts_of(url: str) -> SplitResult:
    """The parts of a text that may be an address; no host and no path where it is none."""
    try:
        return urlsplit(url)
    except ValueError:  # a bracket that nothing closes
        return SplitResult("", "", "", "", "")


def require_address(url: str) -> SplitResult:
    """The parts of an address that a request may be sent to, as far as its text tells.

    Raises:
        FetchRefused: `fetch.E1` for the scheme, E2 for a user name, E3 for the port or host.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise FetchRefused("fetch.E3", host=url[:200]) from error
    if parts.scheme not in ("http", "https"):
        raise FetchRefused("fetch.E1", scheme=parts.scheme[:20] or "–")
    if parts.username is not None or parts.password is not None:
        raise FetchRefused("fetch.E2", host=parts.hostname)
    if not parts.hostname or (port is not None and port < 1024 and port not in WEB_PORTS):
        raise FetchRefused("fetch.E3", host=f"{parts.hostname or '–'}:{port or ''}")
    return parts


def _follow(
    session: requests.Session,
    url: str,
    headers: dict[str, str],
    body: bytes | None,
    limits: Limits,
    began: float,
) -> requests.Response:
    for _ in range(MOST_HOPS + 1):
        here = require_address(url)
        response = _send(session, url, headers, body, limits)
        _require_time(began, limits)
        if not response.is_redirect:
            return response
        response.close()
        url = urljoin(url, response.headers["location"])
        there = require_address(url)
        if (here.scheme, there.scheme) == ("https", "http"):
            raise FetchRefused("fetch.E5", host=there.hostname)
        is_elsewhere = (here.hostname, here.port) != (there.hostname, there.port)
        if body is not None and (is_elsewhere or response.status_code not in SAME_REQUEST):
            raise FetchRefused("fetch.E5", host=there.hostname)
        if is_elsewhere:
            headers = {k: v for k, v in headers.items() if k.lower() in PLAIN_HEADERS}
    raise FetchRefused("fetch.E5", host=urlsplit(url).hostname)


def _send(
    session: requests.Session,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    limits: Limits,
) -> requests.Response:
    host = urlsplit(url).hostname
    method = "GET" if body is None else "POST"
    asked = {"User-Agent": USER_AGENT, **headers, "Accept-Encoding": "identity"}
    timeout = (limits.connect_seconds, limits.read_seconds)
    try:
        return session.request(
            method, url, headers=asked, data=body, timeout=timeout, stream=True,
            allow_redirects=False,
        )  # fmt: skip
    except InvalidIPAddress as error:
        raise FetchRefused("fetch.E4", host=host) from error
    except requests.exceptions.SSLError as error:
        raise FetchRefused("fetch.E8", host=host) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        # The last one of a redirect to what is no address, which the client looks at unasked.
        raise FetchRefused("fetch.E9", host=host) from error


@contextmanager
def _session(inside: frozenset[str], limits: Limits) -> Iterator[requests.Session]:
    session, deadline = requests.Session(), _Deadline(limits.total_seconds)
    session.trust_env = False
    for scheme in ("http", "https"):
        session.mount(f"{scheme}://", _Outside(scheme == "https", deadline))
        for host in inside:
            session.mount(f"{scheme}://{host}/", _Inside(deadline))
            if ":" not in host:
                session.mount(f"{scheme}://{host}:", _Inside(deadline))
    try:
        with session:
            yield session
    finally:
        deadline.over()


# --- connections that end in time ----------------------------------------------------------------


class _Deadline:
    """Cuts the connections of one request when its time is over, also one that waits for a header.

    A time-out of the socket would not do: it begins anew with every byte that arrives.
    """

    def __init__(self, seconds: float) -> None:
        self._sockets: list[Any] = []
        self._is_over = False
        self._alarm = threading.Timer(seconds, self._cut)
        self._alarm.daemon = True
        self._alarm.start()

    def watch(self, sock: Any) -> None:
        self._sockets.append(sock)
        if self._is_over:  # it took all the time to connect
            self._cut()

    def over(self) -> None:
        self._alarm.cancel()

    def _cut(self) -> None:
        self._is_over = True
        for sock in self._sockets:
            with suppress(OSError):  # it has ended by itself
                sock.shutdown(SHUT_RDWR)


class _Watched:
    """A connection that its request's deadline knows."""

    deadline: _Deadline
    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.deadline.watch(self.sock)


def _watch(adapter: HTTPAdapter, deadline: _Deadline) -> None:
    said = {"deadline": deadline}
    plain = type("Plain", (_Watched, HTTPConnection), said)
    secure = type("Secure", (_Watched, HTTPSConnection), said)
    adapter.poolmanager.pool_classes_by_scheme = {
        "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }


class _Outside(IPFilterAdapter):
    """Public addresses alone, looked up once and connected to."""

    def __init__(self, is_https: bool, deadline: _Deadline) -> None:
        super().__init__(is_https_proto=is_https)
        _watch(self, deadline)


class _Inside(HTTPAdapter):
    """A listed host of one's own network; never link-local, where clouds keep their keys."""

    def __init__(self, deadline: _Deadline) -> None:
        super().__init__()
        _watch(self, deadline)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        parts = urlsplit(str(request.url))
        try:
            found = getaddrinfo(parts.hostname, parts.port or 80, type=SOCK_STREAM)
        except gaierror as error:
            raise requests.ConnectionError(str(parts.hostname)) from error
        for address in {str(each[4][0]) for each in found}:
            plain = ip_address(address.partition("%")[0])
            mapped = getattr(plain, "ipv4_mapped", None) or plain
            if mapped.is_link_local or mapped.is_multicast or mapped.is_unspecified:
                raise InvalidIPAddress(address)
        return super().send(request, *args, **kwargs)
