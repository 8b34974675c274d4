"""A portal that gives tokens for a while: a server on this machine, asked as a worker asks it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from serving import serving

from govopen_harvesters.connectors.json_api import connector
from govopen_harvesters.contract import Source, SourceFault
from govopen_harvesters.web import GuardedWeb

PASSWORD = "geheim-4711"
ROWS, OF_A_PAGE = 6, 2


class Gate(ThreadingHTTPServer):
    """Gives tokens that hold for `good_for` requests each, and says no by `how`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.good_for, self.how = 2, "status"
        self.logins: list[Any] = []
        self.pages: list[int] = []
        self.left = 0

    def settings(self, **more: Any) -> dict[str, Any]:
        root = f"http://127.0.0.1:{self.server_address[1]}"
        return {
            "url": f"{root}/list", "records": "list", "guid": "id", "total": "total", "page": "p",
            "success": "code", "success_is": [200], "login": f"{root}/login",
            "login_parameters": {"user": "govopen"}, "password_name": "in.word",
            "token_path": "data.token", "token_header": "X-Token", "token_prefix": "T", **more,
        }  # fmt: skip

    def read(self, secrets: dict[str, str] | None = None, **more: Any) -> list[str | None]:
        web = GuardedWeb(frozenset({f"127.0.0.1:{self.server_address[1]}"}))
        source = Source(self.settings(**more), secrets or {"password": PASSWORD})
        return [one.guid for page in connector.pages(source, web) for one in page.records]


class _Handler(BaseHTTPRequestHandler):
    server: Gate

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""

    def do_POST(self) -> None:
        gate = self.server
        said = self.rfile.read(int(self.headers["Content-Length"])).decode()
        is_json = self.headers["Content-Type"] == "application/json"
        asked = json.loads(said) if is_json else {k: v[0] for k, v in parse_qs(said).items()}
        gate.logins.append(asked)
        word = asked.get("in", {}).get("word") if is_json else asked.get("in.word")
        if word != PASSWORD:
            self._answer(401, {})
            return
        gate.left = gate.good_for
        self._answer(200, {"data": {"token": f"t{len(gate.logins)}"}})

    def do_GET(self) -> None:
        gate = self.server
        page = int(parse_qs(urlsplit(self.path).query)["p"][0])
        if self.headers.get("X-Token") != f"T t{len(gate.logins)}" or not gate.left:
            said: Any = {"code": 40101} if gate.how == "envelope" else {}
            self._answer(200 if said else 401, said)
            return
        gate.left -= 1
        gate.pages.append(page)
        first = (page - 1) * OF_A_PAGE
        rows = [{"id": n} for n in range(first, min(ROWS, first + OF_A_PAGE))]
        self._answer(200, {"code": 200, "total": ROWS, "list": rows})

    def _answer(self, status: int, said: Any) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def gate() -> Iterator[Gate]:
    with serving(Gate()) as server:
        yield server


def fault(gate: Gate, **more: Any) -> SourceFault:
    with pytest.raises(SourceFault) as caught:
        gate.read(**more)
    assert PASSWORD not in f"{caught.value.code} {caught.value.facts}"
    return caught.value


ALL = [str(n) for n in range(ROWS)]


@pytest.mark.parametrize(("how", "kind"), [("status", "json"), ("envelope", "form")])
def test_a_token_that_runs_out_is_asked_for_anew_and_the_page_once_more(
    gate: Gate, how: str, kind: str
) -> None:
    gate.how = how
    assert gate.read(login_post=kind, login_when=[40101]) == ALL
    assert gate.pages == [1, 2, 3]
    word = {"in": {"word": PASSWORD}} if kind == "json" else {"in.word": PASSWORD}
    assert gate.logins == [{"user": "govopen", **word}] * 2


def test_a_token_of_the_keeper_is_used_until_it_is_refused(gate: Gate) -> None:
    gate.good_for = ROWS
    assert gate.read({"password": PASSWORD, "token": "T old"}) == ALL
    assert len(gate.logins) == 1


def test_a_new_token_that_is_refused_ends_the_reading_and_says_so(gate: Gate) -> None:
    gate.good_for = 0
    found = fault(gate)
    assert (found.code, found.facts, len(gate.logins)) == ("harvest.E74", {"said": "401"}, 1)
    again = fault(gate, secrets={"password": PASSWORD, "token": "T old"})
    assert (again.code, len(gate.logins)) == ("harvest.E74", 2)


@pytest.mark.parametrize(
    ("secrets", "more", "said"),
    [
        ({"password": "another"}, {}, "401"),
        ({"password": PASSWORD}, {"token_path": "data.nothing"}, "–"),
        ({"password": PASSWORD}, {"token_prefix": "令牌"}, "–"),
    ],
)
def test_a_login_that_gives_no_token_says_so(
    gate: Gate, secrets: dict[str, str], more: dict[str, str], said: str
) -> None:
    found = fault(gate, secrets=secrets, **more)
    assert (found.code, found.facts["said"]) == ("harvest.E73", said)
    assert gate.pages == []


def test_without_a_login_a_refusal_is_what_it_was(gate: Gate) -> None:
    found = fault(gate, secrets={"token": "T old"}, login="")
    assert (found.code, found.facts["status"]) == ("harvest.E10", 401)
    assert gate.logins == []
