"""The audit log through the application: what leaves a row, in which transaction, and who reads it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import CSV, Office
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.cli.audit import audit as audit_group
from ckanext.govopen.logic import audit, audit_proof
from ckanext.govopen.logic.trial import nothing_kept
from ckanext.govopen.model import audit as store

PASSWORD = f"Long enough {uuid4().hex}"


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        one.hire("auditor", ("auditor",))
        yield one


def rows(office: Office, **filters: object) -> list[dict[str, Any]]:
    """Rows of the log, oldest first."""
    with office.application.test_request_context("/"):
        found = store.listing(model.Session, filters, None, 1000)
        model.Session.remove()
    return found[::-1]


def actions(found: list[dict[str, Any]]) -> list[str]:
    return [str(row["action"]) for row in found]


def signed_in(office: Office, person: str) -> FlaskClient:
    """A browser in which somebody has typed name and password."""
    with office.application.test_request_context("/"):
        user = office.user(person)
        user.password = PASSWORD
        model.repo.commit()
    client = office.application.test_client()
    answer = client.post("/user/login", data={"login": office.name(person), "password": PASSWORD})
    assert answer.status_code == 302
    return client


class TestWhatLeavesARow:
    def test_every_opinion_and_state_of_a_published_dataset(self, office: Office) -> None:
        made = office.published(title="审计")
        found = rows(office, object=f"package:{made['id']}")
        assert sorted(actions(found)) == [
            "opinion.approved",
            "opinion.submitted",
            "review.approved",
            "review.published",
            "review.step",
            "review.submitted",
        ]
        approved = next(row for row in found if row["action"] == "opinion.approved")
        assert approved["actor"] == office.user_id("approver")
        assert approved["details"]["profile"] == "two_person"
        assert approved["details"]["case_id"]
        assert "leader" in approved["role"].split(",")
        assert len(approved["after_hash"]) == 64

    def test_the_hash_of_the_opinion_is_the_hash_that_was_approved(self, office: Office) -> None:
        made = office.published(title="审计哈希")
        [submitted] = rows(office, object=f"package:{made['id']}", action="opinion.submitted")
        [approved] = rows(office, object=f"package:{made['id']}", action="opinion.approved")
        assert submitted["after_hash"] == approved["after_hash"]

    def test_a_role_given_and_ended(self, office: Office) -> None:
        office.hire("keeper", ("disclosure_office",))
        office.hire("wang", ())
        person = f"account:{office.user_id('wang')}"
        granted = office.act(
            "keeper", "govopen_role_grant", user=office.name("wang"), role="leader",
            unit=office.unit_id, deputy_for=office.name("officer"),
        )  # fmt: skip
        office.act("keeper", "govopen_role_revoke", id=granted["id"])
        [given] = rows(office, object=person, action="role.deputy")
        [ended] = rows(office, object=person, action="role.revoked")
        assert given["actor"] == office.user_id("keeper")
        assert given["details"]["role"] == ended["details"]["role"] == "leader"
        assert given["details"]["deputy_for"] == office.user_id("officer")

    def test_a_token_is_named_by_its_number_alone(self, office: Office) -> None:
        token = office.token("officer")
        account = office.user_id("officer")
        made = rows(office, action="token.created")[-1]
        assert made["details"]["account"] == account
        jti = made["object"].removeprefix("token:")
        with office.application.test_request_context("/"):
            tk.get_action("api_token_revoke")({"ignore_auth": True}, {"jti": jti})
        assert rows(office, object=made["object"], action="token.revoked")
        assert token not in json.dumps(rows(office, action="token"), default=str)

    def test_a_membership_and_a_setting(self, office: Office) -> None:
        joined = rows(office, object=f"account:{office.user_id('officer')}", action="member.joined")
        assert joined[-1]["details"] == {"unit": office.unit_id, "capacity": "editor"}
        with office.application.test_request_context("/"):
            model.set_system_info("ckan.site_about", f"about {uuid4().hex}")
            model.repo.commit()
        assert rows(office, object="setting:ckan.site_about", action="setting.changed")

    def test_a_purge(self, office: Office) -> None:
        made = office.draft(title="将被清除")
        with office.application.test_request_context("/"):
            tk.get_action("dataset_purge")(
                {"ignore_auth": True, "user": office.name("root")}, {"id": made["id"]}
            )
        assert rows(office, object=f"package:{made['id']}", action="package.purged")

    def test_what_a_statement_by_hand_changes_is_found_by_the_next_transaction(
        self, office: Office, data_folder: Path
    ) -> None:
        role = str(uuid4())
        with office.application.test_request_context("/"):
            with model.meta.engine.begin() as connection:  # no session, so nothing seals here
                connection.execute(
                    sa.text(
                        "INSERT INTO govopen_role_assignment (id, user_id, role, granted_by)"
                        " VALUES (:id, 'nobody', 'auditor', 'by-hand')"
                    ),
                    {"id": role},
                )
            model.Session.execute(sa.text("SELECT pg_current_xact_id()"))
            model.repo.commit()
        found = rows(office, object="account:nobody", action="role.granted")
        assert found[-1]["details"]["assignment"] == role
        assert found[-1]["details"]["via"] == "database"
        assert found[-1]["actor"] == "by-hand"


class TestTransactions:
    def test_a_note_is_rolled_back_with_its_change(self, office: Office) -> None:
        thing = f"test:{uuid4()}"
        with office.application.test_request_context("/"):
            audit.note(model.Session, "test.kept", thing)
            model.Session.rollback()
            model.repo.commit()
        assert rows(office, object=thing) == []

    def test_a_savepoint_that_rolls_back_leaves_no_row_and_the_rest_stays(
        self, office: Office
    ) -> None:
        thing = f"test:{uuid4()}"
        with office.application.test_request_context("/"):
            audit.note(model.Session, "test.before", thing)
            with model.Session.begin_nested() as savepoint:
                audit.note(model.Session, "test.inside", thing)
                savepoint.rollback()
            with model.Session.begin_nested():
                audit.note(model.Session, "test.released", thing)
            model.repo.commit()
        assert actions(rows(office, object=thing)) == ["test.before", "test.released"]

    def test_what_is_noted_apart_stays_when_the_caller_rolls_back(self, office: Office) -> None:
        thing = f"test:{uuid4()}"
        with office.application.test_request_context("/"):
            audit.note(model.Session, "test.lost", thing)
            audit.note_apart("test.refused", thing)
            model.Session.rollback()
        assert actions(rows(office, object=thing)) == ["test.refused"]

    def test_a_dry_run_leaves_no_row_and_keeps_nobody_waiting(self, office: Office) -> None:
        thing = f"test:{uuid4()}"
        with office.application.test_request_context("/"), nothing_kept():
            audit.note(model.Session, "test.tried", thing)
            model.repo.commit()
            started = perf_counter()
            audit.note_apart("test.second", thing)
            waited = perf_counter() - started
        assert actions(rows(office, object=thing)) == ["test.second"]
        assert waited < 1

    def test_an_open_transaction_keeps_nobody_waiting(self, office: Office) -> None:
        """An import of many rows notes early and commits late; others sign in meanwhile."""
        thing = f"test:{uuid4()}"
        with office.application.test_request_context("/"):
            audit.note(model.Session, "test.first", thing)
            started = perf_counter()
            audit.note_apart("test.second", thing)
            waited = perf_counter() - started
            model.repo.commit()
        assert actions(rows(office, object=thing)) == ["test.second", "test.first"]
        assert waited < 1

    def test_a_thousand_notes_cost_less_than_a_millisecond_each(self, office: Office) -> None:
        thing = f"test:{uuid4()}"
        notes = [
            {"action": "test.batch", "object": thing, "details": {"number": number}}
            for number in range(1000)
        ]
        with office.application.test_request_context("/"):
            started = perf_counter()
            audit.note_all(model.Session, notes)
            model.repo.commit()
            spent = perf_counter() - started
        numbers = [row["details"]["number"] for row in rows(office, object=thing)]
        assert numbers == list(range(1000))
        assert spent < 1

    @pytest.mark.parametrize(
        ("details", "error"),
        [({"password": "x"}, ValueError), ({"a": [{"Token": 1}]}, ValueError), ({"a": 1.5}, TypeError)],
    )  # fmt: skip
    def test_secrets_and_numbers_of_many_spellings_are_refused(
        self, office: Office, details: dict[str, object], error: type[Exception]
    ) -> None:
        with office.application.test_request_context("/"), pytest.raises(error):
            audit.note(model.Session, "test.refused", "test:1", details=details)


class TestAtTheDoor:
    def test_signing_in_and_out_by_whom_from_where(self, office: Office) -> None:
        client = signed_in(office, "auditor")
        account = office.user_id("auditor")
        done = rows(office, actor=account, action="sign_in.done")[-1]
        assert done["ip"] == "127.0.0.1"
        client.get("/user/_logout")
        ended = rows(office, actor=account, action="sign_in.ended")
        assert ended[-1]["object"] == done["object"]

    def test_a_wrong_password_and_an_unknown_name_leave_the_same_kind_of_row(
        self, office: Office
    ) -> None:
        before = len(rows(office, action="sign_in.failed"))
        for name in (office.name("officer"), f"nobody-{office.mark}"):
            client = office.application.test_client()
            client.post("/user/login", data={"login": name, "password": "wrong"})
        known, unknown = rows(office, action="sign_in.failed")[before:]
        assert {k: v for k, v in known.items() if v is None} == {
            k: v for k, v in unknown.items() if v is None
        }
        assert known["ip"] == unknown["ip"] == "127.0.0.1"
        assert known["details"] == unknown["details"]
        assert known["object"] != unknown["object"]
        assert office.mark not in json.dumps([known, unknown], default=str)

    def test_a_reviewer_reads_a_file_that_is_not_public_and_an_officer_his_own(
        self, office: Office
    ) -> None:
        made = office.draft(title="读取")
        office.submit(made["id"])
        [resource] = office.act("officer", "package_show", id=made["id"])["resources"]
        path = f"/dataset/{made['id']}/resource/{resource['id']}/download/data.csv"
        read = signed_in(office, "approver").get(path)
        assert (read.status_code, read.data) == (200, CSV)
        assert signed_in(office, "officer").get(path).status_code == 200
        assert office.application.test_client().get(path).status_code == 404
        [row] = rows(office, object=f"package:{made['id']}", action="file.read")
        assert row["actor"] == office.user_id("approver")
        assert row["details"]["resource"] == resource["id"]
        assert len(row["after_hash"]) == 64

    def test_a_public_file_leaves_no_row(self, office: Office) -> None:
        made = office.published(title="公开读取")
        [resource] = office.act("officer", "package_show", id=made["id"])["resources"]
        path = f"/dataset/{made['id']}/resource/{resource['id']}/download/data.csv"
        assert signed_in(office, "approver").get(path).status_code == 200
        assert rows(office, object=f"package:{made['id']}", action="file.read") == []

    def test_opening_a_case_of_others(self, office: Office) -> None:
        case_id = office.submit(office.draft(title="案卷")["id"])
        assert signed_in(office, "approver").get(f"/workbench/review/{case_id}").status_code == 200
        found = rows(office, object=f"case:{case_id}", action="case.read")
        assert {row["actor"] for row in found} == {office.user_id("approver")}

    def test_what_a_system_administrator_writes(self, office: Office) -> None:
        token = office.token("root")
        office.hire("li", ())
        answer = office.application.test_client().post(
            "/api/3/action/user_patch",
            json={"id": office.name("li"), "fullname": "李"},
            headers={"Authorization": token},
        )
        assert answer.status_code == 200
        root = office.user_id("root")
        wrote = rows(office, actor=root, action="sysadmin.wrote")
        assert wrote[-1]["object"] == "action:user_patch"
        [changed] = rows(
            office, object=f"account:{office.user_id('li')}", action="account.changed", actor=root
        )
        assert changed["details"]["changed"] == ["fullname"]
        assert changed["role"] == "sysadmin"
        number = rows(office, action="token.created")[-1]["object"].removeprefix("token:")
        assert changed["details"]["via"] == f"token:{number}"

    def test_nothing_secret_is_in_any_row(self, office: Office) -> None:
        """Everything above typed passwords, made tokens, links and addresses."""
        token = office.token("officer")
        with office.application.test_request_context("/"):
            user = office.user("officer")
            link = tk.get_action("govopen_account_reset")(
                {"user": office.name("root"), "auth_user_obj": office.user("root")},
                {"user": user.name},
            )["link"]
            hashed, email, key = user.password, user.email, office.user("officer").reset_key
        text = json.dumps(rows(office), default=str)
        assert rows(office, action="account.reset_link")
        for secret in (PASSWORD, token, link, hashed, email, key):
            assert secret
            assert secret not in text


class TestReadingTheLog:
    def test_an_auditor_of_every_unit_and_the_system_administrator_read_it(
        self, office: Office
    ) -> None:
        assert office.act("auditor", "govopen_audit_list", limit=1)["items"]
        assert office.act("root", "govopen_audit_list", limit=1)["items"]
        for person in ("officer", "approver", "stranger"):
            with pytest.raises(tk.NotAuthorized):
                office.act(person, "govopen_audit_list")
            with pytest.raises(tk.NotAuthorized):
                office.act(person, "govopen_audit_verify")

    def test_an_auditor_of_one_unit_does_not_read_the_others(self, office: Office) -> None:
        office.hire("narrow", ())
        office.act(
            "root", "govopen_role_grant", user=office.name("narrow"), role="auditor",
            unit=office.unit_id,
        )  # fmt: skip
        with pytest.raises(tk.NotAuthorized):
            office.act("narrow", "govopen_audit_list")

    def test_pages_follow_each_other_without_gap(self, office: Office) -> None:
        thing = f"test:{uuid4()}"
        with office.application.test_request_context("/"):
            for number in range(7):
                audit.note(model.Session, "test.paged", thing, details={"number": number})
            model.repo.commit()
        seen: list[int] = []
        cursor: str | None = ""
        while cursor is not None:
            found = office.act(
                "auditor", "govopen_audit_list", object=thing, limit=3, cursor=cursor
            )
            seen += [row["details"]["number"] for row in found["items"]]
            cursor = found["next_cursor"]
        assert seen == [6, 5, 4, 3, 2, 1, 0]
        total = office.act("auditor", "govopen_audit_list", object=thing, include_total=True)
        assert total["total"] == 7

    def test_filters_by_person_feature_day_and_typed_name(self, office: Office) -> None:
        name = office.name("approver")
        by_person = office.act("auditor", "govopen_audit_list", actor=name, action="opinion")
        assert {row["actor_name"] for row in by_person["items"]} == {name}
        assert {row["action"].partition(".")[0] for row in by_person["items"]} == {"opinion"}
        typed = office.act("auditor", "govopen_audit_list", name=name)
        assert {row["action"].partition(".")[0] for row in typed["items"]} == {"sign_in"}
        none = office.act("auditor", "govopen_audit_list", since="2099-01-01")
        assert none["items"] == []
        for bad in ({"since": "tomorrow"}, {"cursor": "eA=="}, {"colour": "red"}):
            with pytest.raises(tk.ValidationError):
                office.act("auditor", "govopen_audit_list", **bad)

    def test_the_page_its_files_and_the_verification(self, office: Office) -> None:
        client = signed_in(office, "auditor")
        page = client.get("/workbench/audit?action=opinion")
        assert page.status_code == 200
        assert "审计日志" in page.get_data(as_text=True)
        assert client.get("/workbench/audit/verify").status_code == 200
        for kind in ("csv", "xlsx", "json"):
            answer = client.get(f"/workbench/audit.{kind}?action=opinion")
            assert answer.status_code == 200, kind
            assert len(answer.data) > 500
        items = client.get("/workbench/audit.json?action=role").get_json()["items"]
        assert {row["action"].partition(".")[0] for row in items} == {"role"}
        taken = rows(office, actor=office.user_id("auditor"), action="audit.exported")
        assert len(taken) == 4
        assert client.get("/workbench/audit?since=x").status_code == 409
        assert signed_in(office, "officer").get("/workbench/audit").status_code == 403
        assert office.application.test_client().get("/workbench/audit").status_code == 302

    def test_every_file_that_leaves_the_workbench_is_recorded(self, office: Office) -> None:
        client, person = signed_in(office, "officer"), office.user_id("officer")
        rules = {str(rule) for rule in office.application.url_map.iter_rules()}
        files = {rule.replace("<any(csv,xlsx,json):kind>", kind)
                 for rule in rules for kind in ("csv", "xlsx", "json")
                 if rule.startswith("/workbench/")}  # fmt: skip
        files = {path for path in files if path.endswith((".csv", ".xlsx", ".json"))}
        taken = [path for path in sorted(files) if "<" not in path and "template" not in path
                 and client.get(f"{path}?password=x&unit=").status_code == 200]  # fmt: skip
        assert {"/workbench/review.json", "/workbench/inventory.csv"} <= set(taken)
        noted = [row for row in rows(office, actor=person)
                 if row["action"] in ("export.made", "inventory.exported")]  # fmt: skip
        assert len(noted) == len(taken)
        by_path = {row["details"].get("path"): row for row in noted}
        queue = by_path["/workbench/review.xlsx"]
        assert queue["object"] == "export:govopen_queue_pages.queue_file"
        assert queue["details"]["query"] == "password=x&unit="
        client.get("/workbench/inventory/template.xlsx")
        client.get("/workbench/review.pdf")
        assert len(rows(office, actor=person, action="export.made")) == len(by_path) - 1


class TestCommands:
    @pytest.fixture
    def heads(self, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Heads in a folder of this test's own."""
        monkeypatch.setitem(tk.config, "ckanext.govopen.data_path", str(tmp_path))
        return tmp_path / audit_proof.HEADS

    def run(self, office: Office, *arguments: str) -> Any:
        with office.application.test_request_context("/"):
            result = CliRunner().invoke(audit_group, [*arguments])
            model.Session.remove()
        return result

    def test_verify_says_that_it_holds(self, office: Office, heads: Path) -> None:
        assert self.run(office, "head").exit_code == 0
        result = self.run(office, "verify", "--json")
        assert result.exit_code == 0, result.output
        told = json.loads(result.output[result.output.index("{") :])
        assert told["holds"] is True
        assert told["rows"] > 10
        assert told["heads"] == 1

    def test_a_head_is_kept_once_and_only_appended(self, office: Office, heads: Path) -> None:
        self.run(office, "head")
        first = heads.read_bytes()
        self.run(office, "head")
        assert heads.read_bytes() == first
        heads.write_bytes(first + b'{"seq": 5')  # a write that was cut off
        audit_with(office)
        self.run(office, "head")
        lines = heads.read_bytes().splitlines()
        assert heads.read_bytes().startswith(first)
        assert json.loads(lines[-1])["seq"] > json.loads(lines[0])["seq"]
        assert heads.stat().st_mode & 0o777 == 0o600
        assert self.run(office, "verify").exit_code == 0

    def test_a_head_of_rows_that_are_gone_is_named(self, office: Office, heads: Path) -> None:
        self.run(office, "head")
        last = json.loads(heads.read_text())
        beyond = {**last, "seq": last["seq"] + 3}
        heads.write_text(json.dumps(last) + "\n" + json.dumps(beyond) + "\n")
        result = self.run(office, "verify", "--json")
        told = json.loads(result.output[result.output.index("{") :])
        assert result.exit_code == 1
        assert (told["first_broken"], told["problem"]) == (last["seq"] + 1, "tail")

    def test_a_head_of_another_row_is_named(self, office: Office, heads: Path) -> None:
        heads.write_text(json.dumps({"seq": 3, "hash": "0" * 64}) + "\n")
        result = self.run(office, "verify", "--json")
        told = json.loads(result.output[result.output.index("{") :])
        assert result.exit_code == 1
        assert (told["first_broken"], told["problem"]) == (3, "head")
        self.run(office, "head")
        assert len(heads.read_text().splitlines()) == 1  # no head is kept of a log that is wrong

    def test_the_public_export_commits_and_tells_nothing(
        self, office: Office, heads: Path, tmp_path: Path
    ) -> None:
        from hashlib import sha256

        out = tmp_path / "public.jsonl"
        result = self.run(office, "export", "--public", "--out", str(out))
        assert result.exit_code == 0, result.output
        shown = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        assert [row["seq"] for row in shown] == list(range(1, len(shown) + 1))
        assert set(shown[0]) == {"seq", "recorded_at", "commitment", "hash"}
        last = rows(office, action="opinion.approved")[-1]
        assert last["after_hash"] not in out.read_text(encoding="utf-8")
        told = self.run(office, "open", str(last["seq"]), "--json")
        opened = json.loads(told.output[told.output.index("{") :])
        computed = sha256(bytes.fromhex(opened["salt"]) + opened["content"].encode()).hexdigest()
        assert computed == shown[last["seq"] - 1]["commitment"]
        assert last["after_hash"] in opened["content"]

    def test_the_full_export_holds_every_row_and_says_that_it_was_taken(
        self, office: Office, heads: Path
    ) -> None:
        result = self.run(office, "export")
        lines = [line for line in result.output.splitlines() if line.startswith("{")]
        assert json.loads(lines[-1])["action"] == "audit.exported"
        assert json.loads(lines[-1])["details"]["via"] == "command:audit.export"


def audit_with(office: Office) -> None:
    """One more row."""
    with office.application.test_request_context("/"):
        audit.note(model.Session, "test.more", f"test:{uuid4()}")
        model.repo.commit()
