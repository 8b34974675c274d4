"""How a portal lets one in: what every request bears, and the token that it gives for a password.

A token that the portal takes no longer is asked for anew, as the source's settings say, and the
request is made once more; one that was just given and is refused ends the reading. It is kept for
one reading and written nowhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from govopen_harvesters.contract import Json, Source, SourceFault, Web
from govopen_harvesters.json_shape import at_path, with_path

FORM, JSON, PASSWORD = "form", "json", "password"
POSTED = {FORM: "application/x-www-form-urlencoded", JSON: "application/json"}
HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")
CLOSED_HEADERS = (
    "host", "connection", "content-length", "content-type", "transfer-encoding", "accept-encoding",
    "authorization", "cookie", "proxy-authorization",
)  # fmt: skip
RUN_OUT = (401,)  # RFC 9110 §15.5.2; what else says so is told: `login_when`
SAID_CHARACTERS = 200
Options = Mapping[str, Json]


class AccessLost(SourceFault):
    """The portal does not let one in any more, whatever it is asked for."""


class _TokenRefused(Exception):  # noqa: N818 the name says what happened
    """The portal does not take the token; `fault` says how it said so."""

    def __init__(self, fault: SourceFault) -> None:
        super().__init__(fault.code)
        self.fault = fault


class Portal:
    """The network as the connector of a portal sees it: every answer is one that says yes."""

    def __init__(self, source: Source, web: Web) -> None:
        self._options, self._secrets, self._web = source.options, source.secrets, web
        self._told = _headers(source)
        self._token = self._secrets.get("token")
        _require_header(self._named, self._token)

    def json(
        self, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> tuple[Json, str]:
        """The answer to a request and its digest; asked once more where the token has run out.

        Raises:
            AccessLost: no token is given, or one that was just given is refused.
            SourceFault: it cannot be had, or says no.
        """
        has_login = bool(self._options.get("login"))
        for is_new in (has_login and self._token is None, True):
            if is_new:
                self._sign_in()
            try:
                return self._asked(url, headers, body)
            except _TokenRefused as refused:
                if not has_login:
                    raise refused.fault from refused
                if is_new:
                    raise AccessLost("harvest.E74", said=_said(refused.fault)) from refused
        raise AssertionError

    def _asked(
        self, url: str, headers: Mapping[str, str] | None, body: bytes | None
    ) -> tuple[Json, str]:
        token = {self._named: self._token} if self._token else {}
        try:
            found, digest = self._web.json(url, {**self._told, **token, **(headers or {})}, body)
        except SourceFault as fault:
            if self._means_run_out(fault.facts.get("status")):
                raise _TokenRefused(fault) from fault
            raise
        self._require_success(found)
        return found, digest

    def _means_run_out(self, said: object) -> bool:
        return _is_among(str(said), (*RUN_OUT, *(self._options.get("login_when") or ())))

    @property
    def _named(self) -> str:
        return str(self._options.get("token_header") or "Authorization")

    def _require_success(self, body: Json) -> None:
        if not self._options.get("success"):
            return
        said = str(at_path(body, str(self._options["success"])))
        if _is_among(said, self._options.get("success_is") or ("true",)):
            return
        fault = SourceFault("harvest.E15", said=said[:SAID_CHARACTERS])
        if self._means_run_out(said):
            raise _TokenRefused(fault)
        raise fault

    def _sign_in(self) -> None:
        """Has the portal give a token.

        Raises:
            AccessLost: `harvest.E73` it gives none.
        """
        options, url = self._options, str(self._options["login"])
        kind = posted_as(options, "login_post") or JSON
        asked = dict(options.get("login_parameters") or {})
        if PASSWORD in self._secrets:
            name = str(options.get("password_name") or PASSWORD)
            put(asked, name, self._secrets[PASSWORD], kind)
        path = str(options.get("token_path") or "token")
        try:
            found, _ = self._web.json(
                url, {**self._told, "Content-Type": POSTED[kind]}, posted(asked, kind)
            )
        except SourceFault as fault:
            raise AccessLost("harvest.E73", path=path, said=_said(fault)) from fault
        token = at_path(found, path)
        prefix = str(options.get("token_prefix") or "")
        whole = f"{prefix} {token}".strip()
        if not isinstance(token, (str, int)) or not token or not _is_header(self._named, whole):
            raise AccessLost("harvest.E73", path=path, said="–")
        self._token = whole


def _said(fault: SourceFault) -> str:
    """How a portal has refused, in a word: its status, or what stands at the mark of success."""
    return str(fault.facts.get("status") or fault.facts.get("said") or fault.code)


def posted_as(options: Options, name: str) -> str:
    """How parameters are posted: form, json, or not at all.

    Raises:
        SourceFault: `harvest.E22` in another way.
    """
    said = str(options.get(name) or "").lower()
    if said not in ("", FORM, JSON):
        raise SourceFault("harvest.E22", option=name, wanted=f"{FORM}, {JSON}", value=said)
    return said


def posted(asked: Mapping[str, Json], kind: str) -> bytes:
    """Parameters as the body of a request."""
    if kind == JSON:
        return json.dumps(asked, ensure_ascii=False).encode()
    return urlencode(asked).encode()


def put(asked: dict[str, Json], name: str, value: Json, kind: str) -> None:
    """Adds a parameter; in a body of JSON a dot in its name leads into an object."""
    if kind == JSON:
        with_path(asked, name, value)
    else:
        asked[name] = value


def _is_among(said: str, values: object) -> bool:
    known = values if isinstance(values, (list, tuple)) else (values,)
    return said.lower() in {str(one).lower() for one in known}


def _headers(source: Source) -> dict[str, str]:
    """Headers that the portal wants to see.

    Raises:
        SourceFault: `harvest.E22` one that is none, or that the request itself decides on.
    """
    told = {str(k): str(v) for k, v in (source.options.get("headers") or {}).items()}
    for name, value in told.items():
        if name.lower() in CLOSED_HEADERS or not _is_header(name, value):
            raise SourceFault("harvest.E22", option="headers", wanted="Referer, …", value=name)
    return told


def _require_header(name: str, token: str | None) -> None:
    """Refuses a token, or a name of its header, that no request can bear.

    Raises:
        SourceFault: `harvest.E22`, without the token.
    """
    if token and not _is_header(name, token):
        raise SourceFault("harvest.E22", option="token", wanted="Authorization, X-Token, … (ASCII)")


def _is_header(name: str, value: str) -> bool:
    """True for what a request can bear: HTTP has no other characters."""
    return HEADER.fullmatch(name) is not None and value.isascii() and value.isprintable()
