"""The network of the harvest: asked again where it helps, cut where it hurts, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fetch_lab import PIECE, Lab, lab

from ckanext.govopen.logic.fetch import Limits

from govopen_harvesters.contract import SourceFault
from govopen_harvesters.web import GuardedWeb, parsed

LIMITS = Limits(connect_seconds=1, read_seconds=1, total_seconds=3, most_bytes=1 << 20)


@pytest.fixture
def server() -> Iterator[Lab]:
    with lab() as one:
        yield one


def web(server: Lab, waits: list[float] | None = None) -> GuardedWeb:
    waited: list[float] = [] if waits is None else waits
    return GuardedWeb(frozenset({f"localhost:{server.port}"}), LIMITS, waited.append)


def fault(server: Lab, path: str) -> tuple[str, int]:
    """The code of what went wrong, and how often it was tried."""
    with pytest.raises(SourceFault) as caught, web(server).download(server.url(path)):
        pass
    return caught.value.code, len(server.asked)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_error_is_tried_three_times(server: Lab, status: int) -> None:
    assert fault(server, f"/status/{status}") == ("harvest.E10", 3)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_an_answer_that_will_not_change_is_taken_at_its_word(server: Lab, status: int) -> None:
    assert fault(server, f"/status/{status}") == ("harvest.E10", 1)


@pytest.mark.parametrize(
    ("path", "code", "tries"),
    [
        ("/short/", "fetch.E9", 3),
        ("/broken_gzip/", "fetch.E9", 3),
        ("/bomb/", "fetch.E6", 1),
        ("/endless/", "fetch.E6", 1),
        ("/loop/", "fetch.E5", 12),
        ("/to/http://169.254.169.254/latest", "fetch.E4", 1),
        ("/to/file:///etc/hostname", "fetch.E1", 1),
    ],
)
def test_what_is_not_whole_or_leads_astray_is_a_fault(
    server: Lab, path: str, code: str, tries: int
) -> None:
    found, asked = fault(server, path)
    assert found == code
    assert asked <= tries


def test_it_waits_longer_each_time_and_then_goes_on(server: Lab) -> None:
    waits: list[float] = []
    server.now = 503

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            server.now = 200

    one = GuardedWeb(frozenset({f"localhost:{server.port}"}), LIMITS, wait)
    with one.download(server.url("/changing/data.bin")) as file:
        assert file.path.read_bytes() == PIECE
        assert file.name == "data.bin"
    assert [1 <= waits[0] <= 2, 2 <= waits[1] <= 4] == [True, True]


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{", b'{"a": NaN}', b'{"a": Infinity}', b"[" * 100_000, b"\xff\xfe\x00"],
    ids=["empty", "html", "cut", "nan", "infinity", "deep", "half-utf16"],
)
def test_what_is_no_json_is_said_so(body: bytes) -> None:
    with pytest.raises(SourceFault) as caught:
        parsed(body)
    assert caught.value.code == "harvest.E11"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_json_is_read_in_the_encodings_that_offices_use(encoding: str) -> None:
    assert parsed('{"名": "停车场"}'.encode(encoding)) == {"名": "停车场"}
