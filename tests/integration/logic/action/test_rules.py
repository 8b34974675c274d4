"""Rule packs over the API and on their pages, as anybody reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

import ckan.plugins.toolkit as tk

from ckanext.govopen.cli import govopen


def ask(client: FlaskClient, action: str, **parameters: Any) -> Any:
    return client.get(f"/api/3/action/{action}", query_string=parameters)


def pack(client: FlaskClient, pack_id: str) -> dict[str, Any]:
    answer = ask(client, "govopen_rule_pack_show", id=pack_id)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json["result"]
    return found


def rule(client: FlaskClient, rule_id: str) -> dict[str, Any]:
    rules = pack(client, rule_id.partition(".")[0])["rules"]
    return next(one for one in rules if one["id"] == rule_id)


def test_anybody_lists_the_packs(client: FlaskClient) -> None:
    items = ask(client, "govopen_rule_pack_list").json["result"]["items"]
    assert [one["source"] for one in items] == ["seed"] * 5 + ["law"]
    assert {one["counts"]["unmapped"] for one in items} == {0}
    beijing = next(one for one in items if one["id"] == "beijing-2016")
    assert beijing["doc_no"] == "京人社办发﹝2016﹞179号"
    assert "timely" in beijing["unset_words"]


def test_a_rule_is_told_with_its_clause_quote_and_bound(client: FlaskClient) -> None:
    found = rule(client, "beijing-2016.C4")
    assert (found["clause"], found["quote"], found["quote_verified"]) == (
        "一.12", "清单调整后10个工作日内将调整情况向社会公开", True,
    )  # fmt: skip
    assert (found["bound"]["amount"], found["bound"]["unit"]) == (10, "WD")
    assert found["trigger"] == "list_adjusted"
    assert found["evidence"] == {"record": "change_notice", "condition": "public"}


def test_a_rule_names_the_stricter_one_of_another_pack(client: FlaskClient) -> None:
    assert rule(client, "linyi-2016.J1")["stricter"] == ["beijing-2016.J2"]
    assert rule(client, "beijing-2016.J2")["stricter"] == []


def test_a_word_has_the_number_that_the_office_set(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rule(client, "linyi-2016.C5")["bound"]["amount"] is None
    monkeypatch.setitem(tk.config, "ckanext.govopen.rule_parameters", ["linyi-2016.timely=5:WD"])
    found = rule(client, "linyi-2016.C5")["bound"]
    assert (found["word"], found["amount"], found["unit"]) == ("及时", 5, "WD")


def test_a_pack_that_there_is_not_is_absent(client: FlaskClient) -> None:
    assert ask(client, "govopen_rule_pack_show", id="nowhere").status_code == 404
    assert ask(client, "govopen_rule_pack_show").status_code == 404
    assert client.get("/rules/nowhere").status_code == 404
    assert client.get("/rules/nowhere.csv").status_code == 404


def test_an_unknown_parameter_is_refused(client: FlaskClient) -> None:
    assert ask(client, "govopen_rule_pack_list", q="x").status_code == 409


def test_the_page_of_a_pack_shows_every_quote(client: FlaskClient) -> None:
    page = client.get("/rules/tianjin-2017").text
    for one in pack(client, "tianjin-2017")["rules"]:
        assert f"<q>{one['quote']}</q>" in page
    assert "未核对" not in page
    assert page.count("与原文不符") == 0


def test_unverified_quotes_are_marked(client: FlaskClient) -> None:
    page = client.get("/rules/national").text
    assert page.count(">未核对<") == len(pack(client, "national")["rules"])


def test_the_index_leads_to_every_pack(client: FlaskClient) -> None:
    page = client.get("/rules").text
    for one in ask(client, "govopen_rule_pack_list").json["result"]["items"]:
        assert f'href="/rules/{one["id"]}"' in page


@pytest.mark.parametrize("path", ["/rules.csv", "/rules/linyi-2016.csv", "/rules/linyi-2016.xlsx"])
def test_the_rules_are_files_too(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert len(answer.data) > 500


def test_the_json_twin_holds_the_rows_of_the_page(client: FlaskClient) -> None:
    rows = client.get("/rules/linyi-2016.json").json["items"]
    assert [one["id"] for one in rows] == [one["id"] for one in pack(client, "linyi-2016")["rules"]]


def test_the_ledger_has_every_task_in_its_order_and_those_without_a_rule(
    client: FlaskClient,
) -> None:
    items = ask(client, "govopen_rule_clause_list", id="beijing-2016").json["result"]["items"]
    tasks = [one["clause"] for one in items if "." in one["clause"]]
    told = [(part, sum(one.startswith(f"{part}.") for one in tasks)) for part in "一二三四"]
    assert told == [("一", 41), ("二", 11), ("三", 9), ("四", 3)]
    media = next(one for one in items if one["clause"] == "一.30")
    assert (media["rules"], media["elsewhere"]) == ([], [{"outside": "media"}])
    page = client.get("/rules/beijing-2016/clauses").text
    assert page.count('<th scope="row">') == len(items)
    rows = client.get("/rules/beijing-2016/clauses.json").json["items"]
    assert [row["clause"] for row in rows] == [one["clause"] for one in items]
    assert client.get("/rules/nowhere/clauses").status_code == 404


def test_the_command_accounts_for_every_stretch(application: Flask) -> None:
    with application.test_request_context("/"):
        told = CliRunner().invoke(govopen, ("rules", "coverage", "--json"))
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert (found["refused"], found["compared_with_texts"]) == ([], False)
    assert len(found["covered"]) == sum(
        one[kind] for one in found["packs"] for kind in ("rule", "record", "page", "outside")
    )


def test_the_command_fails_where_the_texts_are_others(application: Flask, tmp_path: Any) -> None:
    with application.test_request_context("/"):
        told = CliRunner().invoke(
            govopen, ("rules", "coverage", "--texts", str(tmp_path), "--json")
        )
    assert told.exit_code == 1
    refused = json.loads(told.stdout)["refused"]
    assert [one["code"] for one in refused] == ["rules.E1"] * 5
