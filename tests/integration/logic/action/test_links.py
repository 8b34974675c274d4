"""Linked resources: what the nightly check sees reaches the dataset's page and the rates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from fetch_lab import Lab, lab
from publishing_kit import Office, office

EFFECTIVE = {"rate": "data_open_rate", "variant": "effective"}


@pytest.fixture
def server() -> Iterator[Lab]:
    with lab() as one:
        yield one


@pytest.fixture
def one(application: Any, server: Lab) -> Iterator[Office]:
    """A unit in scope; the platform may ask the lab's server and no other of this machine."""
    import ckan.plugins.toolkit as tk

    with office(application) as found:
        scope = [{"from": "2020-01-01", "to": None}]
        found.act("root", "govopen_unit_update", id=found.unit_id, in_scope_opening=scope,
                  local_scheme="test", local_code=found.mark)  # fmt: skip
        tk.config["ckanext.govopen.inside_hosts"] = [f"localhost:{server.port}"]
        yield found
        tk.config["ckanext.govopen.inside_hosts"] = []


def publish_link(one: Office, url: str) -> str:
    made = one.act("officer", "govopen_inventory_datasets", entries=[one.entry_codes[0]])
    made = made["items"][0]
    one.act("officer", "resource_create", package_id=made["id"], name="数据", url=url, format="CSV")
    one.approve(one.submit(made["id"]))
    return str(made["id"])


def check(one: Office) -> dict[str, int]:
    from ckan import model

    from ckanext.govopen.logic import links

    with one.application.test_request_context("/"):
        found = links.check_all(model.Session)
        model.Session.remove()
    return found


def state_of(one: Office, package_id: str) -> dict[str, Any]:
    shown = one.act("stranger", "package_show", id=package_id)
    return dict(shown["stat"]["links"][shown["resources"][0]["id"]])


@contextmanager
def days_later(one: Office, days: int) -> Iterator[None]:
    from ckan import model

    from ckanext.govopen import clock

    def move(to: datetime | None) -> None:
        with one.application.test_request_context("/"):
            clock.set_to(to)
            model.Session.commit()
            model.Session.remove()

    with one.application.test_request_context("/"):
        day = clock.today() + timedelta(days=days)
    move(datetime.combine(day, time(10), clock.SITE_ZONE))
    try:
        yield
    finally:
        move(None)


def is_open(one: Office) -> bool:
    figure = one.act("stranger", "govopen_rate_show", unit=one.unit_id, **EFFECTIVE)
    return bool(figure["numerator"])


def test_a_link_that_answers_is_noted_with_its_day(one: Office, server: Lab) -> None:
    package_id = publish_link(one, server.url("/plain"))
    check(one)
    state = state_of(one, package_id)
    assert state["is_working"]
    assert state["failing_since"] is None


@pytest.mark.parametrize("path", ["/status/500", "/status/200", "/loop", "/to/http://127.0.0.1:1/",
                                  "/astray"])  # fmt: skip
def test_a_link_without_data_is_noted_as_failing(one: Office, server: Lab, path: str) -> None:
    package_id = publish_link(one, server.url(path))
    check(one)
    assert not state_of(one, package_id)["is_working"]


@pytest.mark.parametrize("url", ["http://[x", "http://", "https://a\u2100b/", "ftp://a.example/a"])
def test_a_link_that_is_no_address_is_refused(one: Office, url: str) -> None:
    import ckan.plugins.toolkit as tk

    made = one.draft()
    with pytest.raises(tk.ValidationError) as refused:
        one.act("officer", "resource_create", package_id=made["id"], name="链接", url=url)
    assert f"“{url}”" in str(refused.value.error_dict)


def test_a_link_inside_is_not_asked_unless_it_is_listed(one: Office) -> None:
    with lab() as hidden:
        package_id = publish_link(one, hidden.url("/plain"))
        check(one)
        assert not hidden.asked
    assert not state_of(one, package_id)["is_working"]


def test_a_link_counts_until_it_has_failed_for_more_than_seven_days(
    one: Office, server: Lab
) -> None:
    publish_link(one, server.url("/status/503"))
    check(one)
    with days_later(one, 6):
        assert is_open(one)
    with days_later(one, 8):
        assert not is_open(one)
        rows = one.act(
            "stranger", "govopen_rate_row_list", unit=one.unit_id, side="denominator", **EFFECTIVE
        )
        assert {row["reason"] for row in rows["items"]} == {"broken_link"}


def test_a_dataset_with_a_file_of_ours_is_open_whatever_its_link_does(
    one: Office, server: Lab
) -> None:
    made = one.draft()
    one.act("officer", "resource_create", package_id=made["id"], name="链接",
            url=server.url("/status/404"), format="CSV")  # fmt: skip
    one.approve(one.submit(made["id"]))
    check(one)
    with days_later(one, 8):
        assert is_open(one)


def test_a_link_that_answers_again_ends_its_stretch_of_failing_days(
    one: Office, server: Lab
) -> None:
    package_id = publish_link(one, server.url("/changing"))
    server.now = 404
    check(one)
    server.now = 200
    with days_later(one, 9):
        assert not is_open(one)
        check(one)
        assert state_of(one, package_id)["is_working"]
        assert is_open(one)
