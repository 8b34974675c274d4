"""Requests that the platform sends reach public addresses, or listed ones, and end in time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests_hardened.ip_filter
from fetch_lab import PIECE, Lab, closed_port, lab

from ckanext.govopen.logic.fetch import FetchRefused, Limits, _Deadline, fetch, require_address

QUICK = Limits(
    connect_seconds=1,
    read_seconds=1,
    total_seconds=0.8,
    most_bytes=1 << 20,
    least_bytes_per_second=1,
)
PATIENT = replace(QUICK, total_seconds=20)


@pytest.fixture
def server() -> Iterator[Lab]:
    with lab() as one:
        yield one


def inside(server: Lab) -> frozenset[str]:
    return frozenset({f"localhost:{server.port}"})


def body(url: str, server: Lab, limits: Limits = PATIENT, **options: Any) -> bytes:
    with fetch(url, inside=inside(server), limits=limits, **options) as answer:
        return b"".join(answer.blocks())


def refusal(url: str, server: Lab, limits: Limits = PATIENT, **options: Any) -> str:
    with pytest.raises(FetchRefused) as refused:
        body(url, server, limits, **options)
    return refused.value.code


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.1", "localhost",
        "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "198.18.0.1",
        "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[fe80::1]", "[fc00::1]",
        "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "224.0.0.1", "255.255.255.255", "１２７.0.0.1",
    ],
)  # fmt: skip
def test_an_address_that_leads_inside_is_not_asked(host: str, server: Lab) -> None:
    with (
        pytest.raises(FetchRefused) as refused,
        fetch(server.url("/plain", host), limits=PATIENT),
    ):
        pass
    assert refused.value.code in ("fetch.E4", "fetch.E9")
    assert not server.asked


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("file:///etc/hostname", "fetch.E1"),
        ("ftp://data.example/a.csv", "fetch.E1"),
        ("gopher://data.example/", "fetch.E1"),
        ("javascript:alert(1)", "fetch.E1"),
        ("data:text/plain,x", "fetch.E1"),
        ("//data.example/a", "fetch.E1"),
        ("", "fetch.E1"),
        ("https://name:word@data.example/", "fetch.E2"),
        ("https://name@data.example/", "fetch.E2"),
        ("http://data.example:22/", "fetch.E3"),
        ("http://data.example:25/", "fetch.E3"),
        ("http://data.example:0/", "fetch.E3"),
        ("http://data.example:99999/", "fetch.E3"),
        ("http://[::1/", "fetch.E3"),
        ("http:///a", "fetch.E3"),
    ],
)
def test_an_address_is_refused_by_its_text_with_the_reason(url: str, code: str) -> None:
    with pytest.raises(FetchRefused) as refused:
        require_address(url)
    assert refused.value.code == code


def test_a_listed_host_is_reached_and_its_name_is_what_it_hears(server: Lab) -> None:
    assert body(server.url("/plain"), server) == PIECE
    assert server.asked == [(f"localhost:{server.port}", "/plain", None)]


def test_a_listed_host_opens_no_other_port_of_its_machine(server: Lab) -> None:
    with lab() as other:
        assert refusal(other.url("/plain"), server) == "fetch.E4"
        assert not other.asked


@pytest.mark.parametrize("address", ["169.254.169.254", "::", "224.0.0.1"])
def test_a_listed_host_never_leads_to_a_cloud_s_own_service(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80))]
    monkeypatch.setattr("ckanext.govopen.logic.fetch.getaddrinfo", lambda *_, **__: answer)
    with (
        pytest.raises(FetchRefused) as refused,
        fetch("http://office.example/", inside=frozenset({"office.example"}), limits=PATIENT),
    ):
        pass
    assert refused.value.code == "fetch.E4"


def test_a_name_that_changes_its_address_is_looked_up_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Public at the check, loopback at the connection: there is no second look-up to be fooled."""
    asked: list[str] = []

    def resolve(host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        asked.append(host)
        found = "203.0.113.1" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, port))]

    monkeypatch.setattr(requests_hardened.ip_filter.socket, "getaddrinfo", resolve)
    with (
        pytest.raises(FetchRefused) as refused,
        fetch("http://changing.example:8080/", limits=QUICK),
    ):
        pass
    assert refused.value.code == "fetch.E4"  # the first answer stands, and it is a reserved one
    assert asked == ["changing.example"]


def test_a_redirect_inside_is_refused_as_a_typed_address_is(server: Lab) -> None:
    with lab() as hidden:
        assert refusal(server.url(f"/to/{hidden.url('/plain', '127.0.0.1')}"), server) == "fetch.E4"
        assert not hidden.asked


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://x.example/", "//n:w@x.example/"])
def test_a_redirect_to_what_may_not_be_typed_is_refused(target: str, server: Lab) -> None:
    assert refusal(server.url(f"/to/{target}"), server) in ("fetch.E1", "fetch.E2")


def test_a_redirect_to_what_is_no_address_is_refused(server: Lab) -> None:
    assert refusal(server.url("/astray"), server) == "fetch.E9"


def test_redirects_end_after_three(server: Lab) -> None:
    assert refusal(server.url("/loop"), server) == "fetch.E5"
    assert len(server.asked) == 4


def test_what_is_secret_stays_with_the_first_host(server: Lab) -> None:
    secret = {"Authorization": "Bearer canary", "Cookie": "canary", "X-Token": "canary"}
    with lab() as other:
        hosts = frozenset({f"localhost:{server.port}", f"localhost:{other.port}"})
        start = server.url(f"/to/{other.url('/plain')}")
        with fetch(start, headers=secret, inside=hosts, limits=PATIENT) as answer:
            assert b"".join(answer.blocks()) == PIECE
        assert [one[2] for one in server.asked] == ["Bearer canary"]
        assert [one[2] for one in other.asked] == [None]
        assert (server.tokens, other.tokens) == (["canary"], [None])


def test_what_is_posted_is_posted_again_on_its_own_host_alone(server: Lab) -> None:
    assert body(server.url("/again//plain"), server, body=b"page=1") == PIECE
    assert server.posted == [b"page=1"] * 2
    assert refusal(server.url("/to//plain"), server, body=b"page=1") == "fetch.E5"
    with lab() as other:
        hosts = frozenset({f"localhost:{server.port}", f"localhost:{other.port}"})
        start = server.url(f"/again/{other.url('/plain')}")
        with pytest.raises(FetchRefused), fetch(start, body=b"x", inside=hosts, limits=PATIENT):
            pass
        assert other.asked == []


@pytest.mark.parametrize("path", ["/endless", "/bomb"])
def test_an_answer_without_end_is_stopped_by_what_it_unpacks_to(path: str, server: Lab) -> None:
    assert refusal(server.url(path), server) == "fetch.E6"


@pytest.mark.parametrize("path", ["/drip", "/slow_header"])
def test_an_answer_that_drips_is_cut_when_its_time_is_over(path: str, server: Lab) -> None:
    began = time.monotonic()
    assert refusal(server.url(path), server, QUICK) in ("fetch.E7", "fetch.E9")
    assert time.monotonic() - began < 8  # left alone it would take ten seconds and more


def test_an_answer_slower_than_the_least_pace_is_refused(server: Lab) -> None:
    slow = replace(PATIENT, grace_seconds=0.1, least_bytes_per_second=1 << 20)
    assert refusal(server.url("/drip"), server, slow) == "fetch.E7"


@pytest.mark.parametrize("members", ["one", "two"])
def test_what_is_packed_unasked_is_opened(server: Lab, members: str) -> None:
    assert body(server.url(f"/packed/{members}"), server) == PIECE


@pytest.mark.parametrize("path", ["/short", "/broken_gzip", "/cut_gzip", "/odd_packing"])
def test_an_answer_that_is_not_what_it_says_is_refused(path: str, server: Lab) -> None:
    assert refusal(server.url(path), server) == "fetch.E9"


def test_nobody_there_is_said_as_such(server: Lab) -> None:
    port = closed_port()
    with (
        pytest.raises(FetchRefused) as refused,
        fetch(f"http://localhost:{port}/", inside=frozenset({f"localhost:{port}"}), limits=PATIENT),
    ):
        pass
    assert refused.value.code == "fetch.E9"


def test_a_status_is_told_and_not_judged(server: Lab) -> None:
    with fetch(server.url("/status/404"), inside=inside(server), limits=PATIENT) as answer:
        assert answer.status == 404


def test_the_environment_s_proxy_is_not_used(server: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("no_proxy", "")
    assert body(server.url("/plain"), server) == PIECE


def test_a_connection_that_is_made_when_its_time_is_over_is_cut_at_once() -> None:
    deadline = _Deadline(0)
    deadline._alarm.join()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        deadline.watch(ours)
        assert theirs.recv(1) == b""
