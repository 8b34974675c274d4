"""The rates on a real stack: figures follow what is published, at any date and as known at any time."""

from __future__ import annotations

import gzip
import html
import importlib.util
import json
import random
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from publishing_kit import CSV, Office, office, upload

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import suspects
from ckanext.govopen.logic.errors import part_of

RATES = {
    "open_unit_rate": ("headline", "strict", "effective"),
    "data_open_rate": ("headline", "openable", "items", "volume", "effective", "unconditional"),
}
SCRIPT = (
    Path(__file__).parents[4] / "ckanext-govopen/ckanext/govopen/data/recompute/recompute_rates.py"
)


@pytest.fixture
def one(application: Any) -> Iterator[Office]:
    """A unit in scope with one active line and nothing open."""
    with office(application) as found:
        bring_into_scope(found)
        yield found


def bring_into_scope(found: Office) -> None:
    scope = [{"from": "2020-01-01", "to": None}]
    found.act("root", "govopen_unit_update", id=found.unit_id, in_scope_opening=scope,
              local_scheme="test", local_code=found.mark)  # fmt: skip


def show(found: Office, rate: str, **asked: Any) -> dict[str, Any]:
    return dict(found.act("stranger", "govopen_rate_show", rate=rate, **asked))


def sums(figure: dict[str, Any]) -> tuple[int, int, int]:
    return figure["numerator"], figure["denominator"], figure["excluded"]


def now(found: Office) -> datetime:
    from ckanext.govopen import clock

    with found.application.test_request_context("/"):
        return clock.now()


def refresh(found: Office, *unit_ids: str) -> int:
    from ckan import model

    from ckanext.govopen.logic import rates

    with found.application.test_request_context("/"):
        written = rates.refresh(model.Session, unit_ids=list(unit_ids))
        model.Session.commit()
        model.Session.remove()
    return written


def sql(found: Office, text: str, **values: object) -> list[Any]:
    from ckan import model

    with found.application.test_request_context("/"):
        try:
            result = model.Session.execute(sa.text(text), values)
            rows = list(result) if result.returns_rows else []
            model.Session.commit()
        finally:
            model.Session.remove()
    return rows


# --- figures follow what is published ------------------------------------------------------------


def test_publishing_a_dataset_moves_both_rates_of_its_unit(one: Office) -> None:
    before = [show(one, rate, unit=one.unit_id) for rate in RATES]
    one.published()
    after = [show(one, rate, unit=one.unit_id) for rate in RATES]
    assert [sums(figure) for figure in before] == [(0, 1, 0), (0, 1, 0)]
    assert [sums(figure) for figure in after] == [(1, 1, 0), (1, 1, 0)]
    assert [figure["value"] for figure in after] == ["1.000000", "1.000000"]
    assert after[1]["meets_target"] is True


def test_the_city_counts_what_its_units_count(one: Office) -> None:
    before = show(one, "data_open_rate")
    one.published()
    after = show(one, "data_open_rate")
    assert after["numerator"] == before["numerator"] + 1
    assert after["denominator"] == before["denominator"]


def test_a_figure_can_be_asked_for_as_it_was_known_before(one: Office) -> None:
    moment = now(one)
    one.published()
    known = show(one, "data_open_rate", unit=one.unit_id, known_at=moment.isoformat())
    assert sums(known) == (0, 1, 0)
    assert sums(show(one, "data_open_rate", unit=one.unit_id)) == (1, 1, 0)


def test_a_withdrawn_dataset_leaves_the_numerator_alone(one: Office) -> None:
    made = one.published()
    one.act_signed_in(
        "approver", "govopen_publication_withdraw", id=made["id"], ground="error", reason="x"
    )
    assert sums(show(one, "data_open_rate", unit=one.unit_id)) == (0, 1, 0)
    rows = one.act("stranger", "govopen_rate_row_list", rate="data_open_rate",
                   side="denominator", unit=one.unit_id)["items"]  # fmt: skip
    assert [row["reason"] for row in rows] == ["withdrawn"]


def test_a_line_written_twice_is_counted_once(one: Office) -> None:
    first, second = one.add_entries(2, name="全市公共停车场")
    rows = one.act("stranger", "govopen_rate_row_list", rate="data_open_rate", side="excluded",
                   unit=one.unit_id)["items"]  # fmt: skip
    reasons = {row["record"]: row["reason"] for row in rows}
    # the first of the two is young, the second is none at all
    assert reasons == {first: "resource_grace", second: "duplicate"}


def test_a_family_of_lines_is_counted_as_one_and_given_back(one: Office) -> None:
    past = {"system": "停车管理系统"}
    codes = [one.add_entries(1, name=f"停车场信息({year}年)", **past)[0] for year in (2023, 2024)]
    asked = {"entries": codes, "into": codes[0], "reason": "同一张表按年拆分"}
    families = one.act("approver", "govopen_suspect_list", unit=one.unit_id)["items"]
    assert [[line["entry_code"] for line in family] for family in families] == [codes]
    for person in ("officer", "root", "stranger"):
        with pytest.raises(tk.NotAuthorized):
            one.act(person, "govopen_line_group", **asked)
    with pytest.raises(tk.ValidationError, match="entries"):
        one.act("approver", "govopen_line_group", **{**asked, "entries": ["x"] * 1_001})
    for said in ({"a": 1}, "长" * 2_001, "同\x00一"):  # a reason is published beside the figure
        with pytest.raises(tk.ValidationError, match="reason"):
            one.act("approver", "govopen_line_group", **{**asked, "reason": said})
    for wrong, code in (({"reason": " "}, "rates.E6"), ({"entries": codes[:1]}, "suspects.E2"),
                        ({"into": "none"}, "suspects.E1"),
                        ({"from_on": "2199-01-01"}, "suspects.E4")):  # fmt: skip
        with pytest.raises(tk.ValidationError) as refused:
            one.act("approver", "govopen_line_group", **{**asked, **wrong})
        assert part_of(refused.value)["code"] == code
    one.act("approver", "govopen_line_group", **asked)
    assert excluded(one)[codes[1]] == "grouped"
    assert excluded(one)[codes[0]] == "resource_grace"
    assert one.act("approver", "govopen_suspect_list", unit=one.unit_id)["items"] == []
    with pytest.raises(tk.ValidationError) as twice:
        one.act("approver", "govopen_line_group", **asked)
    assert part_of(twice.value)["code"] == "suspects.E3"
    one.act("approver", "govopen_line_ungroup", entries=codes[1], reason="两张不同的表")
    with pytest.raises(tk.ValidationError) as undone:
        one.act("approver", "govopen_line_ungroup", entries=codes[1], reason="两张不同的表")
    assert part_of(undone.value)["code"] == "suspects.E5"
    assert excluded(one)[codes[1]] == "resource_grace"
    codes += one.add_entries(1, name="停车场信息(2025年)", **past)
    with (
        one.application.test_request_context("/"),
        sa.orm.Session(model.Session.get_bind()) as ahead,
    ):
        act = {"from_on": clock.today(), "reason": "同一张表", "person": one.user("approver").id}
        suspects.group(ahead, codes[:2], codes[0], act)
        model.Session.execute(sa.text("SET LOCAL lock_timeout = '100ms'"))
        with pytest.raises(sa.exc.OperationalError, match="govopen_data_resource"):
            suspects.group(model.Session, codes[1:], codes[1], act)
        model.Session.rollback()
        ahead.commit()
        with pytest.raises(tk.ValidationError) as beside:  # under a line that is under another one
            suspects.group(model.Session, codes[1:], codes[1], act)
        model.Session.rollback()
    assert part_of(beside.value)["code"] == "suspects.E3"


def excluded(found: Office) -> dict[str, str]:
    rows = found.act("stranger", "govopen_rate_row_list", rate="data_open_rate", side="excluded",
                     unit=found.unit_id)["items"]  # fmt: skip
    return {row["record"]: row["reason"] for row in rows}


def test_what_a_unit_leaves_without_a_successor_is_listed_and_counts_for_nothing(
    one: Office, client: Any
) -> None:
    made = one.published()
    assert sums(show(one, "data_open_rate", unit=one.unit_id)) == (1, 1, 0)
    today = one.days_ahead(0)
    one.act("root", "govopen_unit_reform", unit=one.unit_id, kind="abolish", date=today, basis="b")
    assert excluded(one) == {one.entry_codes[0]: "unit_not_valid"}
    assert "代管" in client.get(f"/dataset/{made['name']}").get_data(as_text=True)
    orphans = one.act("approver", "govopen_orphan_list")["items"]
    ours = {(row["kind"], row["record"]) for row in orphans if one.mark in (row["unit_name"] or "")}
    assert ours == {("dataset", made["name"]), ("line", one.entry_codes[0])}


def test_the_volume_is_the_rows_of_what_is_public(one: Office) -> None:
    made = one.published()
    resource = one.act("officer", "package_show", id=made["id"])["resources"][0]["id"]
    newer = upload(CSV + "丙,7,2026-03-04,3\n".encode(), "newer.csv")
    revision = one.act("officer", "govopen_pending_revision_create", id=made["id"], note="n",
                       resource=resource, upload=newer)  # fmt: skip
    case = one.act("officer", "govopen_review_submit", revisions=[revision["id"]])
    one.approve(case["id"])
    periods = sql(one, "SELECT rows, ground FROM govopen_publication_period"
                  " WHERE package_id = :id ORDER BY id", id=made["id"])  # fmt: skip
    assert [tuple(row) for row in periods] == [(2, "revised"), (3, None)]


def test_an_order_of_law_takes_the_line_out_of_both_sides(one: Office) -> None:
    made = one.published()
    one.act_signed_in(
        "approver", "govopen_publication_withdraw", id=made["id"], ground="legal_order", reason="x"
    )
    figure = show(one, "data_open_rate", unit=one.unit_id)
    assert sums(figure) == (0, 0, 1)
    assert figure["value"] is None
    assert figure["display"] == "—"


def test_every_row_of_a_figure_can_be_listed_page_by_page(one: Office) -> None:
    one.add_entries(4)
    seen, cursor = [], ""
    while cursor is not None:
        page = one.act("stranger", "govopen_rate_row_list", rate="data_open_rate", side="excluded",
                       unit=one.unit_id, limit=3, cursor=cursor)  # fmt: skip
        seen += [(row["record"], row["reason"]) for row in page["items"]]
        cursor = page["next_cursor"]
    # a later load has its grace of 30 days, the first one had none
    assert seen == [(code, "resource_grace") for code in sorted(one.entry_codes[1:])]


def test_the_reasons_add_up_to_the_figure(one: Office) -> None:
    one.add_entries(3, open_type="withheld", open_basis="保守国家秘密法")
    figure = show(one, "data_open_rate", unit=one.unit_id)
    items = one.act(
        "stranger", "govopen_rate_reason_list", rate="data_open_rate", unit=one.unit_id
    )["items"]
    for side in ("numerator", "denominator", "excluded"):
        assert sum(row["rows"] for row in items if row["side"] == side) == figure[side]


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"as_of": "2999-01-01"}, "as_of"),
        ({"as_of": "1950-01-01"}, "as_of"),
        ({"as_of": "tomorrow"}, "as_of"),
        ({"variant": "best"}, "variant"),
        ({"rate": "happiness"}, "variant"),
        ({"known_at": "once"}, "known_at"),
    ],
)
def test_a_question_that_has_no_answer_is_refused_by_its_field(
    one: Office, asked: dict[str, str], field: str
) -> None:
    import ckan.plugins.toolkit as tk

    with pytest.raises(tk.ValidationError) as refused:
        one.act("stranger", "govopen_rate_show", **asked)
    assert list(refused.value.error_dict) == [field]


def test_an_unknown_unit_is_absent(one: Office) -> None:
    import ckan.plugins.toolkit as tk

    with pytest.raises(tk.ObjectNotFound):
        one.act("stranger", "govopen_rate_show", unit="no-such-unit")


def test_only_the_data_authority_freezes(one: Office) -> None:
    import ckan.plugins.toolkit as tk

    with pytest.raises(tk.NotAuthorized):
        one.act("officer", "govopen_rate_snapshot_create")


# --- the stored difference -----------------------------------------------------------------------


def test_a_second_refresh_writes_nothing(one: Office) -> None:
    one.published()
    assert refresh(one, one.unit_id) == 0


def test_a_change_writes_only_the_rows_that_it_concerns(one: Office) -> None:
    one.add_entries(5)
    text = "SELECT count(*) FROM govopen_rate_membership WHERE unit_id = :unit AND recorded_to IS NULL AND record = ANY (:codes)"
    others = one.entry_codes[1:]
    before = sql(one, "SELECT max(id) FROM govopen_rate_membership")[0][0]
    one.published()
    new = sql(one, "SELECT DISTINCT record FROM govopen_rate_membership WHERE id > :id", id=before)
    assert {record for (record,) in new} == {one.entry_codes[0], one.unit_id}
    assert sql(one, text, unit=one.unit_id, codes=others)[0][0] > 0


def test_two_refreshes_at_once_write_the_rows_once(one: Office) -> None:
    one.published()
    text = (
        "SELECT count(*) FROM govopen_rate_membership WHERE unit_id = :unit AND recorded_to IS NULL"
    )
    expected = sql(one, text, unit=one.unit_id)[0][0]
    sql(one, "DELETE FROM govopen_rate_membership WHERE unit_id = :unit", unit=one.unit_id)
    written: list[int] = []
    threads = [
        threading.Thread(target=lambda: written.append(refresh(one, one.unit_id))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(written) == [0, 0, 0, expected]
    assert sql(one, text, unit=one.unit_id)[0][0] == expected


# --- pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "xlsx", "json"])
def test_every_table_has_its_file(one: Office, client: Any, kind: str) -> None:
    for path in ("/rates", f"/rates/units/{one.unit_id}", "/rates/rows", "/rates/history"):
        answer = client.get(f"{path}.{kind}")
        assert answer.status_code == 200, path
        assert len(answer.get_data()) > 20


def test_the_dashboard_links_each_figure_to_its_rows(one: Office, client: Any) -> None:
    page = client.get("/rates").get_data(as_text=True)
    for rate, variants in RATES.items():
        for variant in variants:
            assert f"rate={rate}&variant={variant}&side=denominator" in page.replace("&amp;", "&")


def test_every_number_of_a_units_pages_opens_as_many_rows(one: Office, client: Any) -> None:
    one.add_entries(2, open_type="withheld", open_basis="保守国家秘密法")
    one.published()
    slug = one.act("stranger", "govopen_unit_show", id=one.unit_id)["slug"]
    seen: dict[str, int] = {}
    for page in (f"/organization/{slug}", f"/rates/units/{slug}"):
        text = html.unescape(client.get(page).get_data(as_text=True))
        links = re.findall(r'<a href="([^"]*/rates/rows\?[^"]*)">([\d.%]+)</a>', text)
        headline = [link for link in links if "variant=" not in link[0]]
        assert headline, page
        for address, number in headline:
            rows = client.get(address.replace("/rates/rows?", "/rates/rows.json?")).get_json()
            assert client.get(address).status_code == 200
            if number.isdigit():
                assert len(rows["items"]) == int(number), address
            seen[address] = len(rows["items"])
    reasons = [address for address in seen if "reason=resource_grace" in address]
    assert [seen[address] for address in reasons] == [2]
    assert f"/rates/units/{slug}" in client.get(f"/organization/{slug}").get_data(as_text=True)


def test_an_unknown_reason_is_refused(one: Office) -> None:
    with pytest.raises(tk.ValidationError, match="reason"):
        one.act("stranger", "govopen_rate_row_list", reason="because")


def test_a_date_without_a_figure_keeps_the_form_and_says_why(one: Office, client: Any) -> None:
    answer = client.get("/rates?as_of=2999-01-01")
    assert answer.status_code == 400
    assert 'value="2999-01-01"' in answer.get_data(as_text=True)


def test_a_name_that_looks_like_a_formula_stays_text_in_the_file(one: Office, client: Any) -> None:
    one.act("root", "govopen_unit_update", id=one.unit_id, name=f"=cmd{one.mark}")
    text = client.get("/rates.csv").get_data(as_text=True)
    assert f",'=cmd{one.mark}," in text


# --- history: frozen figures, and recomputing by somebody else ------------------------------------


def set_clock(application: Any, day: date | None) -> None:
    from ckan import model

    from ckanext.govopen import clock

    with application.test_request_context("/"):
        if not clock.is_settable():
            pytest.skip("the clock of this site cannot be set")
        clock.set_to(datetime.combine(day, time(9, 30), clock.SITE_ZONE) if day else None)
        model.Session.commit()
        model.Session.remove()


@pytest.fixture(scope="module")
def past(application: Any) -> Iterator[Office]:
    """Two years of one unit: lines, datasets, a withdrawal, a later version, a late correction."""
    try:
        set_clock(application, date(2024, 1, 10))
        with office(application) as found:
            bring_into_scope(found)
            first = found.published()
            set_clock(application, date(2024, 3, 5))
            found.add_entries(3, rows=120)
            set_clock(application, date(2024, 4, 20))
            found.entry_codes.reverse()
            found.published(open_type="conditional", open_condition="签订使用协议")
            set_clock(application, date(2024, 9, 2))
            found.act_signed_in(
                "approver",
                "govopen_publication_withdraw",
                id=first["id"],
                ground="error",
                reason="x",
            )
            set_clock(application, date(2025, 2, 3))
            found.entry_codes.reverse()
            found.published()
            set_clock(application, date(2025, 6, 1))
            found.add_entries(2, open_type="withheld", open_basis="保守国家秘密法")
            set_clock(application, None)
            yield found
    finally:
        set_clock(application, None)


def recomputation() -> Any:
    """The published script, loaded from its file."""
    spec = importlib.util.spec_from_file_location("recompute_rates", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_opened_rows_stand_against_the_declared_ones(past: Office) -> None:
    volume = show(past, "data_open_rate", as_of="2024-05-01", unit=past.unit_id)["variants"][
        "volume"
    ]
    # three lines of 120 rows are declared, a file of two rows is public; the first line said none
    assert (volume["numerator"], volume["denominator"], volume["excluded"]) == (2, 360, 1)


def test_the_published_script_gives_every_figure_to_the_last_digit(
    past: Office, client: Any, tmp_path: Path
) -> None:
    rows = tmp_path / "members.csv"
    rows.write_bytes(client.get("/rates/members.csv").get_data())
    script, chance = recomputation(), random.Random(20260331)  # noqa: S311 - a sample, no secret
    first = date.fromisoformat(show(past, "data_open_rate")["first_inventory_on"])
    span = (now(past).date() - first).days
    for _ in range(100):
        day = first + timedelta(days=chance.randint(0, span))
        for unit in (None, past.unit_id):
            found = {(f["rate"], f["variant"]): f for f in script.figures_of(rows, day, unit)}
            asked = {"as_of": day.isoformat(), **({"unit": unit} if unit else {})}
            for rate, variants in RATES.items():
                shown = show(past, rate, **asked)["variants"]
                for variant in variants:
                    ours = shown[variant]["recomputed"] or shown[variant]
                    theirs = found[rate, variant]
                    for name in ("numerator", "denominator", "excluded", "value"):
                        assert ours[name] == theirs[name], (day, unit, rate, variant, name)


def test_history_has_the_figure_of_every_day_on_which_it_moved(past: Office) -> None:
    points = past.act("stranger", "govopen_rate_history", rate="data_open_rate", unit=past.unit_id)[
        "points"
    ]
    for point in points:
        figure = show(past, "data_open_rate", unit=past.unit_id, as_of=point["date"])
        assert (point["numerator"], point["denominator"]) == sums(figure)[:2]
    assert len(points) >= 6


def test_a_frozen_figure_stays_and_its_recomputation_moves_on(
    past: Office, client: Any, tmp_path: Path
) -> None:
    past.act("root", "govopen_rate_snapshot_create")
    frozen = show(past, "data_open_rate", as_of="2024-09-30")
    assert frozen["frozen"]
    assert not frozen["provisional"]
    assert past.act("root", "govopen_rate_snapshot_create")["items"] == []
    # somebody founds a unit that should have counted on that day: known now, not known then
    rate = show(past, "open_unit_rate", as_of="2024-09-30")
    scope = [{"from": "2020-01-01", "to": None}]
    past.act("root", "govopen_unit_create", name=f"迟报单位{past.mark}", valid_from="2020-01-01",
             local_scheme="test", local_code=f"late-{past.mark}", in_scope_opening=scope)  # fmt: skip
    again = show(past, "open_unit_rate", as_of="2024-09-30")
    assert again["denominator"] == rate["denominator"]
    assert again["recomputed"]["denominator"] == rate["recomputed"]["denominator"] + 1
    packed = client.get("/rates/snapshots/2024-09-30.csv.gz").get_data()
    rows = tmp_path / "frozen.csv"
    rows.write_bytes(gzip.decompress(packed))
    ran = subprocess.run([sys.executable, "-I", str(SCRIPT), str(rows), "2024-09-30", "--json"],
                         check=True, capture_output=True, text=True)  # fmt: skip
    found = {(f["rate"], f["variant"]): f for f in json.loads(ran.stdout)}
    assert found["data_open_rate", "headline"]["value"] == frozen["value"]
    assert found["open_unit_rate", "headline"]["denominator"] == again["denominator"]


def test_a_snapshot_cannot_be_changed_or_removed(past: Office) -> None:
    past.act("root", "govopen_rate_snapshot_create")
    for statement in (
        "UPDATE govopen_metric_snapshot SET figures = '{}'",
        "DELETE FROM govopen_metric_snapshot",
    ):
        with pytest.raises(sa.exc.ProgrammingError):
            sql(past, statement)
