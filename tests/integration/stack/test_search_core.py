"""The embedded Solr core: its password, its schema, Chinese text through all three views."""

from __future__ import annotations

import pytest
import requests
from flask import Flask

TITLE = "南京市長江大橋維護公告"


def core(app: Flask) -> tuple[str, tuple[str, str]]:
    from ckan.common import config

    return config["solr_url"], (config["solr_user"], config["solr_password"])


@pytest.mark.parametrize("path", ["/select?q=*:*", "/admin/ping", "/update?commit=true"])
def test_without_the_password_every_path_is_refused(app: Flask, path: str) -> None:
    url, _ = core(app)
    assert requests.get(url + path, timeout=10).status_code == 401


def test_ckan_accepts_the_transformed_schema(app: Flask) -> None:
    from ckan.lib.search import check_solr_schema_version

    assert check_solr_schema_version() is True


@pytest.mark.parametrize(
    ("field", "words", "found"),
    [
        ("title", "长江大桥", 1),
        ("title", "長江大橋", 1),
        ("title_uni", "桥", 1),
        ("title_word", "维护", 1),
        ("text_uni", "宁", 1),
        ("text_word", "公告", 1),
        ("title_ngram", '"维护公"', 1),
        ("title", "市长信箱", 0),
    ],
)
def test_a_traditional_title_is_found_by_simplified_words_in_each_view(
    app: Flask, field: str, words: str, found: int
) -> None:
    url, account = core(app)
    document = {
        "index_id": "stack-test",
        "id": "stack-test",
        "site_id": "stack-test",
        "title": TITLE,
        "notes": "南京（宁）",
    }
    with requests.Session() as session:
        session.auth = account
        added = session.post(f"{url}/update?softCommit=true", json=[document], timeout=20)
        assert added.status_code == 200, added.text
        query = {"q": words, "df": field, "q.op": "AND", "fq": "site_id:stack-test", "wt": "json"}
        answer = session.get(f"{url}/select", params=query, timeout=20).json()
        session.post(
            f"{url}/update?softCommit=true", json={"delete": {"id": "stack-test"}}, timeout=20
        )
    assert answer["response"]["numFound"] == found


def test_a_chinese_value_of_40000_characters_is_indexed(app: Flask) -> None:
    url, account = core(app)
    document = {
        "index_id": "stack-long",
        "id": "stack-long",
        "site_id": "stack-test",
        "extras_long": "长" * 40_000,
        "plain_long": "长" * 40_000,
    }
    added = requests.post(
        f"{url}/update?softCommit=true", json=[document], auth=account, timeout=20
    )
    requests.post(
        f"{url}/update?softCommit=true",
        json={"delete": {"id": "stack-long"}},
        auth=account,
        timeout=20,
    )
    assert added.status_code == 200, added.text
