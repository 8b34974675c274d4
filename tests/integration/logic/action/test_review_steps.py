"""The review's further steps: form, consultations, legal check, deputies, embargo, escalation."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from mail_server import MailServer
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import checklist, mail, review, waiting
from ckanext.govopen.model import mail as store

WORKER_SECONDS = 90


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


@pytest.fixture
def business_time(office: Office) -> Iterator[Any]:
    """Sets the business clock; real time comes back afterwards."""

    def set_to(moment: datetime | None) -> None:
        with office.application.test_request_context("/"):
            clock.set_to(moment)
            model.repo.commit()

    yield set_to
    set_to(None)


@contextmanager
def setting(name: str, value: str) -> Iterator[None]:
    before = tk.config[name]
    tk.config[name] = value
    try:
        yield
    finally:
        tk.config[name] = before


def code_of(caught: pytest.ExceptionInfo[BaseException]) -> str:
    return str(getattr(caught.value, "govopen", {}).get("code"))


def now(office: Office) -> datetime:
    with office.application.test_request_context("/"):
        return clock.now()


def state(office: Office, package_id: str) -> str:
    with office.application.test_request_context("/"):
        return str(
            model.Session.execute(
                sa.text("SELECT state FROM govopen_review WHERE record_id = :id"),
                {"id": package_id},
            ).scalar_one()
        )


def publish_due(office: Office) -> int:
    with office.application.test_request_context("/"):
        return review.publish_due(model.Session)


# --- the form of the secrecy review ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({}, "review.E16"),
        ({"state_secret": "no"}, "review.E16"),
        ({**checklist.all_no(), "state_secret": True}, "review.E17"),
        ({**checklist.all_no(), "others": True}, "review.E9"),
        ({**checklist.all_no(), "no_such_question": False}, "vocab.E1"),
    ],
)
def test_the_form_is_answered_whole_and_its_answers_count(
    office: Office, answers: dict[str, Any], code: str
) -> None:
    case_id = office.submit(office.draft()["id"])
    decision = {"id": case_id, "decision": "approve", "checklist": answers}
    with pytest.raises(tk.ValidationError) as caught:
        office.act_signed_in("approver", "govopen_review_decide", **decision)
    assert code_of(caught) == code
    assert office.approve(case_id)["state"] == "published"


def test_what_the_officer_answered_with_yes_counts_too(office: Office) -> None:
    made = office.draft()
    case_id = office.act(
        "officer", "govopen_review_submit", datasets=[made["id"]], checklist={"personal": "yes"}
    )["id"]
    with pytest.raises(tk.ValidationError) as caught:
        office.approve(case_id)
    assert code_of(caught) == "review.E17"
    assert "个人信息" in str(caught.value.error_dict)


def test_the_opinion_carries_the_answers(office: Office) -> None:
    case_id = office.submit(office.draft()["id"])
    office.approve(case_id)
    said = office.act("officer", "govopen_review_show", id=case_id)["opinions"]
    assert said[-1]["checklist"] == checklist.all_no()


def test_withholding_takes_one_of_the_nine_grounds(office: Office) -> None:
    case_id = office.submit(office.draft()["id"])
    decision = {"id": case_id, "decision": "withhold", "reason": "含商业秘密"}
    with pytest.raises(tk.ValidationError) as caught:
        office.act_signed_in("approver", "govopen_review_decide", ground="because", **decision)
    assert code_of(caught) == "vocab.E1"
    office.act_signed_in("approver", "govopen_review_decide", ground="g15_trade_secret", **decision)
    said = office.act("officer", "govopen_review_show", id=case_id)
    assert (said["state"], said["opinions"][-1]["ground"]) == ("withheld", "g15_trade_secret")


def test_a_reviewer_proposes_to_withhold_and_the_leader_decides(office: Office) -> None:
    made = office.draft()
    case_id = _strict_case(office, made["id"])
    decision = {
        "id": case_id,
        "decision": "withhold",
        "reason": "含商业秘密",
        "ground": "g15_trade_secret",
    }
    office.hire("reviewer-p", ("reviewer",))
    office.hire("secrecy-p", ("secrecy_reviewer",))
    office.hire("leader-p", ("leader",))
    done = office.act_signed_in("reviewer-p", "govopen_review_decide", **decision)
    assert (done["state"], done["step"]) == ("submitted", "secrecy_review")
    with pytest.raises(tk.NotAuthorized) as caught:
        office.act_signed_in("secrecy-p", "govopen_review_decide", **decision)
    assert code_of(caught) == "review.E6"
    office.approve(case_id, "secrecy-p")
    seen = office.act("leader-p", "govopen_review_show", id=case_id)
    said = [(one["step"], one["result"], one["ground"]) for one in seen["opinions"]]
    assert ("dept_review", "proposed", "g15_trade_secret") in said
    assert (seen["can"]["withhold"], seen["can"]["propose"]) == (True, False)
    done = office.act_signed_in("leader-p", "govopen_review_decide", **decision)
    assert done["state"] == "withheld"
    shown = office.act("officer", "package_show", id=made["id"])
    assert shown["review"]["state"] == "withheld"


def test_a_decision_about_an_earlier_submission_is_refused(office: Office) -> None:
    made = office.draft()
    case_id = office.submit(made["id"])
    seen = office.act("approver", "govopen_review_show", id=case_id)["submission"]
    office.act("officer", "govopen_review_recall", id=case_id)
    office.act("officer", "govopen_review_submit", case=case_id)
    decision = {"id": case_id, "decision": "approve", "checklist": checklist.all_no()}
    for said, code in (
        (seen, "review.E3"),
        ("0", "review.E3"),
        ("²", "None"),
        ("9" * 5000, "None"),
    ):
        with pytest.raises(tk.ValidationError) as caught:
            office.act_signed_in("approver", "govopen_review_decide", submission=said, **decision)
        assert code_of(caught) == code
    assert office.approve(case_id)["state"] == "published"


# --- bodies that are asked ------------------------------------------------------------------------


def _ask(office: Office, case_id: str, action: str = "govopen_review_consult") -> str:
    office.act_signed_in("approver", action, id=case_id, body="市交通局", question="能否公开？")
    asked = office.act("approver", "govopen_review_show", id=case_id)["consultations"]
    return str(asked[-1]["id"])


def test_a_case_waits_for_the_written_consent_of_the_body_that_was_asked(office: Office) -> None:
    case_id = office.submit(office.draft()["id"])
    consultation = _ask(office, case_id)
    with pytest.raises(tk.ValidationError) as caught:
        office.approve(case_id)
    assert code_of(caught) == "review.E9"
    answer = {"id": case_id, "consultation": consultation, "answer": "同意。云交函〔2026〕1号"}
    office.act_signed_in("approver", "govopen_review_answer", consents=True, **answer)
    decision = {"id": case_id, "decision": "approve"}
    answers = {**checklist.all_no(), "others": True}
    done = office.act_signed_in("approver", "govopen_review_decide", checklist=answers, **decision)
    assert done["state"] == "published"


def test_a_body_that_does_not_agree_keeps_the_case_from_approval(office: Office) -> None:
    case_id = office.submit(office.draft()["id"])
    consultation = _ask(office, case_id, "govopen_review_escalate")
    shown = office.act("approver", "govopen_review_show", id=case_id)
    assert shown["step"] == "escalated"
    office.act_signed_in(
        "approver",
        "govopen_review_answer",
        id=case_id,
        consultation=consultation,
        consents=False,
        answer="属于工作秘密",
    )
    with pytest.raises(tk.ValidationError) as caught:
        office.approve(case_id)
    assert code_of(caught) == "review.E9"
    office.act_signed_in(
        "approver", "govopen_review_decide", id=case_id, decision="return", reason="对方不同意"
    )


def test_an_answer_is_recorded_once_and_by_nobody_of_the_submission(office: Office) -> None:
    case_id = office.submit(office.draft()["id"])
    consultation = _ask(office, case_id)
    answer = {"id": case_id, "consultation": consultation, "answer": "同意", "consents": True}
    with pytest.raises(tk.NotAuthorized) as caught:
        office.act_signed_in("officer", "govopen_review_answer", **answer)
    assert code_of(caught) == "review.E2"
    with pytest.raises(tk.NotAuthorized) as caught:
        office.act("approver", "govopen_review_answer", **answer)
    assert code_of(caught) == "review.E10"
    office.act_signed_in("approver", "govopen_review_answer", **answer)
    with pytest.raises(tk.ValidationError):
        office.act_signed_in("approver", "govopen_review_answer", **answer)


def test_where_it_is_asked_for_a_legal_check_stands_before_the_leader(office: Office) -> None:
    with setting("ckanext.govopen.review_legal_check_kinds", "dataset batch"):
        case_id = office.submit(office.draft()["id"])
    assert office.approve(case_id)["step"] == "legal_check"  # the setting of today moves no case
    with pytest.raises(tk.NotAuthorized) as caught:
        office.approve(case_id)
    assert code_of(caught) == "review.E6"
    office.hire("lawyer", ("legal_reviewer",))
    assert office.approve(case_id, "lawyer")["step"] == "leader_approval"
    assert office.approve(case_id)["state"] == "published"


def _waiting_version(office: Office) -> tuple[str, str]:
    """A case of a register version that nobody has decided, and the version."""
    approve, held = office.approve, {}
    office.approve = lambda case_id: held.update(case=case_id)  # type: ignore[assignment]
    try:
        office.add_entries(1)
    finally:
        office.approve = approve  # type: ignore[method-assign]
    with office.application.test_request_context("/"):
        version = model.Session.execute(
            sa.text("SELECT record_id FROM govopen_review WHERE case_id = :id"),
            {"id": held["case"]},
        ).scalar_one()
    return held["case"], str(version)


def test_the_register_authority_types_the_day_on_which_it_approved(office: Office) -> None:
    case_id, version_id = _waiting_version(office)
    decision = {"id": case_id, "decision": "approve", "checklist": checklist.all_no()}
    with pytest.raises(tk.ValidationError) as caught:
        office.act_signed_in(
            "approver", "govopen_review_decide", approved_on="2999-01-01", **decision
        )
    assert code_of(caught) == "date.E1"
    office.act_signed_in("approver", "govopen_review_decide", approved_on="2026-01-05", **decision)
    with office.application.test_request_context("/"):
        day = model.Session.execute(
            sa.text("SELECT approved_on FROM govopen_register_version WHERE id = :id"),
            {"id": version_id},
        ).scalar_one()
    assert str(day) == "2026-01-05"


# --- deputies -------------------------------------------------------------------------------------


def _deputy(office: Office, holder: str, deputy: str, days: int = 1, **more: Any) -> str:
    until = (now(office) + timedelta(days=days)).isoformat()
    values = {"user": office.name(deputy), "role": "secrecy_reviewer", "to": until, **more}
    return str(office.act_signed_in(holder, "govopen_deputy_create", **values)["id"])


def _strict_case(office: Office, made: str | None = None) -> str:
    with setting("ckanext.govopen.review_profile", "strict"):
        return office.submit(made or office.draft()["id"])


def test_an_opinion_of_a_deputy_carries_both_names(office: Office) -> None:
    office.hire("secrecy", ("secrecy_reviewer",))
    office.hire("stand-in", ())
    case_id = _strict_case(office)
    office.approve(case_id)
    with pytest.raises(tk.NotAuthorized):
        office.approve(case_id, "stand-in")
    _deputy(office, "secrecy", "stand-in")
    assert office.approve(case_id, "stand-in")["step"] == "leader_approval"
    said = office.act("officer", "govopen_review_show", id=case_id)["opinions"][-1]
    names = (said["person"], said["deputy_for"])
    assert names == (office.user_id("stand-in"), office.user_id("secrecy"))


def test_after_its_end_a_deputy_decides_nothing(office: Office, business_time: Any) -> None:
    office.hire("secrecy2", ("secrecy_reviewer",))
    office.hire("stand-in2", ("auditor",))
    _deputy(office, "secrecy2", "stand-in2")
    case_id = _strict_case(office)
    office.approve(case_id)
    business_time(now(office) + timedelta(days=2))
    with pytest.raises(tk.NotAuthorized) as caught:
        office.approve(case_id, "stand-in2")
    assert code_of(caught) == "review.E6"


def test_a_deputy_ends_with_the_role_of_the_one_in_whose_place_they_act(office: Office) -> None:
    office.hire("secrecy3", ("secrecy_reviewer",))
    office.hire("stand-in3", ("auditor",))
    _deputy(office, "secrecy3", "stand-in3")
    case_id = _strict_case(office)
    office.approve(case_id)
    with office.application.test_request_context("/"):
        model.Session.execute(
            sa.text("UPDATE govopen_role_assignment SET to_at = govopen_now() WHERE user_id = :id"),
            {"id": office.user("secrecy3").id},
        )
        model.repo.commit()
    with pytest.raises(tk.NotAuthorized) as caught:
        office.approve(case_id, "stand-in3")
    assert code_of(caught) == "review.E6"


def test_the_deputy_of_whoever_submitted_or_acted_is_no_second_person(office: Office) -> None:
    office.hire("reviewer4", ("reviewer",))
    office.hire("stand-in4", ("secrecy_reviewer",))
    _deputy(office, "reviewer4", "stand-in4", role="reviewer")
    case_id = _strict_case(office)
    office.approve(case_id, "stand-in4")  # as deputy of the reviewer
    with pytest.raises(tk.NotAuthorized) as caught:
        office.approve(case_id, "stand-in4")
    assert code_of(caught) == "review.E2"


@pytest.mark.parametrize(
    ("holder", "values"),
    [
        ("officer", {}),  # does not hold the role
        ("secrecy5", {"role": "leader"}),
        ("secrecy5", {"user": "itself"}),
        ("secrecy5", {"user": "root"}),
        ("secrecy5", {"to": "past"}),
        ("stand-in5", {"user": "officer"}),  # a deputy names no further one
    ],
)
def test_only_the_holder_names_a_deputy_for_what_they_hold(
    office: Office, holder: str, values: dict[str, str]
) -> None:
    for person, roles in (("secrecy5", ("secrecy_reviewer",)), ("stand-in5", ())):
        office.hire(person, roles)
    if not office.act("secrecy5", "govopen_deputy_list")["items"]:
        _deputy(office, "secrecy5", "stand-in5")
    given = dict(values)
    if "user" in given:
        given["user"] = office.name(holder if given["user"] == "itself" else given["user"])
    if given.get("to") == "past":
        given["to"] = (now(office) - timedelta(days=1)).isoformat()
    with pytest.raises(tk.ValidationError) as caught:
        _deputy(office, holder, "approver", **given)
    assert code_of(caught) == "review.E20"


def test_a_deputy_is_named_for_a_year_at_most(office: Office) -> None:
    office.hire("secrecy11", ("secrecy_reviewer",))
    _deputy(office, "secrecy11", "approver", days=366)
    with pytest.raises(tk.ValidationError) as caught:
        _deputy(office, "secrecy11", "second", days=367)
    assert code_of(caught) == "review.E21"


def test_a_token_names_no_deputy_and_the_holder_ends_one(office: Office) -> None:
    office.hire("secrecy6", ("secrecy_reviewer",))
    with pytest.raises(tk.NotAuthorized) as caught:
        office.act(
            "secrecy6",
            "govopen_deputy_create",
            user=office.name("officer"),
            role="secrecy_reviewer",
            to="2100-01-01T00:00:00Z",
        )
    assert code_of(caught) == "review.E10"
    made = _deputy(office, "secrecy6", "stranger")
    with pytest.raises(tk.ObjectNotFound):
        office.act_signed_in("approver", "govopen_deputy_end", id=made)
    office.act_signed_in("secrecy6", "govopen_deputy_end", id=made)
    assert office.act("secrecy6", "govopen_deputy_list")["items"] == []


# --- embargo --------------------------------------------------------------------------------------


def _embargoed(office: Office, publish_at: str) -> tuple[str, str]:
    made = office.draft()
    case_id = office.act(
        "officer", "govopen_review_submit", datasets=[made["id"]], publish_at=publish_at
    )["id"]
    assert office.approve(case_id)["state"] == "embargoed"
    return made["id"], case_id


def test_a_date_begins_at_midnight_in_the_citys_zone(office: Office, business_time: Any) -> None:
    midnight = datetime(2031, 1, 1, tzinfo=clock.SITE_ZONE)
    business_time(midnight - timedelta(days=2))
    package_id, case_id = _embargoed(office, "2031-01-01")
    business_time(midnight - timedelta(seconds=1))
    assert publish_due(office) == 0
    assert state(office, package_id) == "embargoed"
    business_time(midnight)
    assert publish_due(office) >= 1
    assert state(office, package_id) == "published"
    assert office.act("officer", "govopen_review_show", id=case_id)["closed_at"]


def test_a_case_that_cannot_be_published_keeps_no_other_back_and_is_tried_again(
    office: Office, business_time: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    midnight = datetime(2033, 1, 1, tzinfo=clock.SITE_ZONE)
    business_time(midnight - timedelta(days=2))
    (first, broken), (second, _) = (_embargoed(office, f"2033-01-0{day}") for day in (1, 2))
    publish = review.publish_case

    def failing(session: Any, case_id: str, actor: str) -> None:
        if case_id == broken:
            raise FileNotFoundError
        publish(session, case_id, actor)

    business_time(midnight + timedelta(days=3))
    with monkeypatch.context() as without_a_file:
        without_a_file.setattr(review, "publish_case", failing)
        publish_due(office)
    assert [state(office, one) for one in (first, second)] == ["embargoed", "published"]
    publish_due(office)
    assert state(office, first) == "published"


def test_the_job_may_be_late_run_twice_and_see_the_clock_go_back(
    office: Office, business_time: Any, client: FlaskClient
) -> None:
    midnight = datetime(2032, 1, 1, tzinfo=clock.SITE_ZONE)
    business_time(midnight - timedelta(days=2))
    package_id, _ = _embargoed(office, "2032-01-01")
    business_time(midnight + timedelta(days=3))
    assert publish_due(office) >= 1
    assert publish_due(office) == 0
    business_time(midnight - timedelta(days=1))
    assert publish_due(office) == 0
    assert client.get(f"/api/3/action/package_show?id={package_id}").status_code == 200
    with office.application.test_request_context("/"):
        from ckanext.govopen.logic import verification

        broken = [each["record_id"] for each in verification.verify(model.Session)["records"]]
    assert package_id not in broken


@pytest.mark.parametrize("when", ["2000-01-01", "tomorrow", "2031-01-01T00:00:00", "2031-13-01"])
def test_a_time_of_publication_lies_ahead_and_has_a_zone(office: Office, when: str) -> None:
    with pytest.raises(tk.ValidationError) as caught:
        office.act(
            "officer", "govopen_review_submit", datasets=[office.draft()["id"]], publish_at=when
        )
    assert code_of(caught) == "review.E19"


def test_nobody_publishes_before_the_time_not_even_by_a_statement(
    office: Office, business_time: Any
) -> None:
    package_id, _ = _embargoed(office, "2199-01-01")
    with office.application.test_request_context("/"):
        model.Session.execute(
            sa.text(
                "UPDATE govopen_review SET state = 'published', embargo_until = NULL"
                " WHERE record_id = :id"
            ),
            {"id": package_id},
        )
        with pytest.raises(sa.exc.IntegrityError, match="embargo"):
            model.Session.execute(
                sa.text("UPDATE package SET private = false WHERE id = :id"), {"id": package_id}
            )
        model.Session.rollback()


def test_what_waits_for_its_time_is_taken_back_by_its_unit_or_returned(office: Office) -> None:
    package_id, case_id = _embargoed(office, "2199-01-01")
    with pytest.raises(tk.NotAuthorized):
        office.act_signed_in(
            "stranger", "govopen_review_decide", id=case_id, decision="return", reason="x"
        )
    office.hire("reviewer7", ("reviewer",))
    with pytest.raises(tk.NotAuthorized) as caught:
        office.act_signed_in(
            "reviewer7", "govopen_review_decide", id=case_id, decision="return", reason="x"
        )
    assert code_of(caught) == "review.E6"
    assert office.act("officer", "govopen_review_recall", id=case_id)["state"] == "draft"
    assert office.approve(office.submit(package_id))["state"] == "published"  # and at once


def test_a_case_that_changed_meanwhile_goes_back_and_holds_up_no_other(
    office: Office, business_time: Any
) -> None:
    midnight = datetime(2033, 1, 1, tzinfo=clock.SITE_ZONE)
    business_time(midnight - timedelta(days=2))
    changed, case_id = _embargoed(office, "2033-01-01")
    sound, _ = _embargoed(office, "2033-01-01")
    with office.application.test_request_context("/"):
        model.Session.execute(
            sa.text("UPDATE package SET title = 'x' WHERE id = :id"), {"id": changed}
        )
        model.repo.commit()
    business_time(midnight)
    publish_due(office)
    assert (state(office, changed), state(office, sound)) == ("returned", "published")
    said = office.act("officer", "govopen_review_show", id=case_id)["opinions"][-1]
    assert (said["person"], said["result"]) == ("system", "returned")


# --- waiting too long -----------------------------------------------------------------------------


def test_a_case_that_waits_too_long_is_escalated_once_and_never_published(
    office: Office, business_time: Any
) -> None:
    monday = datetime(2026, 6, 1, 10, tzinfo=clock.SITE_ZONE)
    business_time(monday)
    made = office.draft()
    case_id = office.submit(made["id"])
    shown = {
        "in time": monday + timedelta(days=3),  # Thursday: three working days
        "leader": monday + timedelta(days=4),
        "authority": monday + timedelta(days=9),  # Wednesday of the next week
    }
    told = {}
    for name, moment in shown.items():
        business_time(moment)
        with office.application.test_request_context("/"):
            waiting.escalate(model.Session)
            assert case_id not in dict(waiting.escalate(model.Session))
            model.repo.commit()
            told[name] = model.Session.execute(
                sa.text(
                    "SELECT array_agg(level ORDER BY level) FROM govopen_review_escalation"
                    " WHERE case_id = :id"
                ),
                {"id": case_id},
            ).scalar_one()
    assert told == {"in time": None, "leader": [1], "authority": [1, 2]}
    listed = office.act("approver", "govopen_work_show")
    assert case_id in [case["id"] for case in listed["escalated"]]
    waits = next(case for case in listed["decide"] if case["id"] == case_id)
    assert (waits["is_overdue"], waits["due_on"]) == (True, "2026-06-04")
    assert state(office, made["id"]) == "submitted"


def test_whom_a_case_is_escalated_to_gets_a_mail_that_quotes_nothing(
    office: Office, business_time: Any, mailbox: MailServer
) -> None:
    monday = datetime(2026, 6, 1, 10, tzinfo=clock.SITE_ZONE)
    business_time(monday)
    title = "不该写进邮件的标题"
    made = office.draft(title=title)
    case_id = office.submit(made["id"])
    with office.application.test_request_context("/"):
        model.User.get(office.name("approver")).email = f"leader-{office.mark}@yz.example"
        model.repo.commit()
        business_time(monday + timedelta(days=4))
        waiting.escalate(model.Session)
        model.repo.commit()
        assert mail.send_waiting(model.Session) >= 1
        assert mail.send_waiting(model.Session) == 0
    its = [mail for mail in mailbox.mails if f"leader-{office.mark}@" in str(mail["To"])]
    assert len(its) == 1
    text = mailbox.text()
    assert "/workbench" in text
    assert title not in text
    assert case_id not in text
    assert made["id"] not in text


def test_a_mail_that_the_server_did_not_take_is_sent_later_and_not_for_ever(
    office: Office, business_time: Any, mailbox: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = datetime(2026, 6, 1, 10, tzinfo=clock.SITE_ZONE)
    subjects = {name: f"{name}-{office.mark}" for name in ("down", "died", "never")}
    with office.application.test_request_context("/"):
        model.User.get(office.name("approver")).email = f"leader-{office.mark}@yz.example"
        told = [office.user_id("approver")]

        def put(name: str) -> None:
            assert mail.put(model.Session, told, subjects[name], "x") == 1
            model.repo.commit()

        def sent(minutes: int) -> list[str]:
            """What the server has taken once so many minutes are over."""
            business_time(begun + timedelta(minutes=minutes))
            mail.send_waiting(model.Session)
            seen = [str(one["Subject"]) for one in mailbox.mails]
            return [one for one in seen if one.endswith(f"-{office.mark}")]

        def claim() -> Any:
            row = store.claim(model.Session, mail.LEASE, mail.MOST_TRIES)
            model.repo.commit()
            return row

        business_time(begun)
        put("down")
        with monkeypatch.context() as down:
            down.setitem(tk.config, "smtp.server", "127.0.0.1:9")
            assert sent(0) == []
        put("died")
        assert claim()["subject"] == subjects["died"], "a process takes it, and dies"
        assert sent(9) == []
        assert sorted(sent(10)) == [subjects["died"], subjects["down"]]
        put("never")
        for attempt in range(mail.MOST_TRIES):
            business_time(begun + timedelta(minutes=10) + (2**attempt - 1) * mail.LEASE)
            assert claim()["subject"] == subjects["never"]
        assert len(sent(24 * 60)) == 2
        kept = model.Session.execute(sa.text("SELECT subject FROM govopen_mail")).scalars()
        assert subjects["never"] not in list(kept)


# --- people ---------------------------------------------------------------------------------------


def test_of_two_reviewers_at_once_one_is_told_that_it_is_decided(office: Office) -> None:
    case_id = office.submit(office.draft()["id"])
    answers: list[str] = []
    start = threading.Barrier(2)

    def approve(person: str) -> None:
        start.wait()
        try:
            answers.append(office.approve(case_id, person)["state"])
        except tk.ValidationError as error:
            answers.append(error.govopen["code"])  # type: ignore[attr-defined]
        finally:
            model.Session.remove()

    people = [threading.Thread(target=approve, args=(name,)) for name in ("approver", "second")]
    for each in people:
        each.start()
    for each in people:
        each.join(60)
    assert sorted(answers) == ["published", "review.E1"]


def test_a_role_that_is_revoked_during_a_session_decides_nothing_more(office: Office) -> None:
    from flask_login import login_user

    office.hire("leaving", checklist_roles())
    case_id = office.submit(office.draft()["id"])
    decision = {"id": case_id, "decision": "approve", "checklist": checklist.all_no()}
    with office.application.test_request_context("/"):
        user = office.user("leaving")
        login_user(user)
        assert tk.get_action("govopen_review_show")(office.context("leaving"), {"id": case_id})
        model.Session.execute(
            sa.text("UPDATE govopen_role_assignment SET to_at = govopen_now() WHERE user_id = :id"),
            {"id": user.id},
        )
        model.repo.commit()
        with pytest.raises((tk.NotAuthorized, tk.ObjectNotFound)):
            tk.get_action("govopen_review_decide")(office.context("leaving"), decision)


def checklist_roles() -> tuple[str, ...]:
    return ("reviewer", "secrecy_reviewer", "leader", "data_authority")


def test_a_deleted_account_decides_nothing_and_its_opinions_stay(office: Office) -> None:
    office.hire("gone", checklist_roles())
    made = office.draft()
    office.approve(office.submit(made["id"]), "gone")
    waiting_case = office.submit(office.draft()["id"])
    office.act("root", "user_delete", id=office.name("gone"))
    with pytest.raises((tk.NotAuthorized, tk.ObjectNotFound)):
        office.approve(waiting_case, "gone")
    assert state(office, made["id"]) == "published"


# --- the scan -------------------------------------------------------------------------------------

MARKED = "机密★5年\n,\n名称,泊位\n甲,2\n乙,{number}\n"
PHONES = "姓名,电话\n" + "".join(f"张{n},1390000{n:04}\n" for n in range(100, 120))


def _hits(office: Office, case_id: str, severity: str) -> list[dict[str, Any]]:
    found = office.act("approver", "govopen_scan_show", case=case_id)["hits"]
    return [hit for hit in found if hit["severity"] == severity]


def _clear(office: Office, person: str, case_id: str, hits: list[dict[str, Any]]) -> None:
    for hit in hits:
        office.act_signed_in(
            person, "govopen_scan_clear", case=case_id, hit=hit["id"], reason="样例文件"
        )


def _step(office: Office, case_id: str) -> str:
    return str(office.act("approver", "govopen_review_show", id=case_id)["step"])


def test_a_critical_hit_holds_the_case_until_two_people_have_cleared_it(office: Office) -> None:
    case_id = office.submit(office.draft(data=MARKED.format(number=71).encode())["id"])
    assert _step(office, case_id) == "hold"
    said = office.act("approver", "govopen_review_show", id=case_id)["opinions"][-1]
    assert (said["person"], said["result"]) == ("system", "held")
    with pytest.raises(tk.ValidationError) as caught:
        office.approve(case_id)
    assert code_of(caught) == "review.E5"
    hits = _hits(office, case_id, "critical")
    _clear(office, "approver", case_id, hits)
    assert _step(office, case_id) == "hold"
    _clear(office, "second", case_id, hits)
    assert _step(office, case_id) == "dept_review"
    _clear(office, "approver", case_id, _hits(office, case_id, "high"))
    assert office.approve(case_id)["state"] == "published"


def test_what_is_held_can_be_returned_or_taken_back(office: Office) -> None:
    made = office.draft(data=MARKED.format(number=72).encode())
    case_id = office.submit(made["id"])
    office.act_signed_in(
        "approver", "govopen_review_decide", id=case_id, decision="return", reason="含密级标志"
    )
    assert state(office, made["id"]) == "returned"
    again = office.submit(made["id"])
    assert office.act("officer", "govopen_review_recall", id=again)["state"] == "draft"


def test_a_high_hit_is_cleared_or_masked_before_the_secrecy_review_passes(office: Office) -> None:
    case_id = office.submit(office.draft(data=PHONES.encode())["id"])
    assert _step(office, case_id) == "dept_review"
    with pytest.raises(tk.ValidationError) as caught:
        office.approve(case_id)
    assert code_of(caught) == "review.E14"
    _clear(office, "approver", case_id, _hits(office, case_id, "high"))
    assert office.approve(case_id)["state"] == "published"


def test_a_large_file_is_scanned_by_the_worker_and_its_case_goes_on_by_itself(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ckanext.govopen.logic import scans

    made = office.draft(data=PHONES.replace("张", "李").replace("139", "02584").encode())
    with monkeypatch.context() as patch:
        patch.setattr(scans, "AT_ONCE_BYTES", -1)  # as if it were large
        case_id = office.submit(made["id"])
    began = time.monotonic()
    while (step := _step(office, case_id)) != "dept_review":
        assert step == "auto_scan"
        assert time.monotonic() - began < WORKER_SECONDS
        time.sleep(0.2)
    assert office.approve(case_id)["state"] == "published"


# --- pages ----------------------------------------------------------------------------------------


def _sign_in(office: Office, client: FlaskClient, person: str) -> None:
    user_id = office.user_id(person)
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = user_id, True


def _token(page: str) -> str:
    return page.split('name="_csrf_token" value="')[1].split('"')[0]


def test_a_held_case_is_returned_on_its_page_by_a_frequent_reason(
    office: Office, client: FlaskClient
) -> None:
    case_id = office.submit(office.draft(data=MARKED.format(number=73).encode())["id"])
    _sign_in(office, client, "approver")
    page = client.get(f"/workbench/review/{case_id}").get_data(as_text=True)
    assert 'value="approve"' not in page
    assert "严重命中" in page
    client.post(
        f"/workbench/review/{case_id}/decide",
        data={"_csrf_token": _token(page), "decision": "return", "template": "secrecy_unsure"},
    )
    shown = office.act("officer", "govopen_review_show", id=case_id)
    assert shown["state"] == "returned"
    assert shown["opinions"][-1]["opinion"].startswith("是否涉密不明确")


def test_the_page_approves_only_with_every_question_answered(
    office: Office, client: FlaskClient
) -> None:
    case_id = office.submit(office.draft()["id"])
    _sign_in(office, client, "approver")
    page = client.get(f"/workbench/review/{case_id}").get_data(as_text=True)
    answers = {f"check-{code}": "no" for code in checklist.all_no()}
    decision = {"_csrf_token": _token(page), "decision": "approve"}
    missing = dict(list(answers.items())[1:])
    refused = client.post(f"/workbench/review/{case_id}/decide", data={**decision, **missing})
    assert refused.status_code == 409
    assert "国家秘密" in refused.get_data(as_text=True)
    client.post(f"/workbench/review/{case_id}/decide", data={**decision, **answers})
    assert office.act("officer", "govopen_review_show", id=case_id)["state"] == "published"


def test_the_page_of_a_case_that_waits_for_its_time_lets_its_unit_take_it_back(
    office: Office, client: FlaskClient
) -> None:
    _, case_id = _embargoed(office, "2199-01-01")
    _sign_in(office, client, "officer")
    page = client.get(f"/workbench/review/{case_id}").get_data(as_text=True)
    assert "2199-01-01" in page
    client.post(f"/workbench/review/{case_id}/recall", data={"_csrf_token": _token(page)})
    assert office.act("officer", "govopen_review_show", id=case_id)["state"] == "draft"


def test_a_deputy_is_named_and_ended_on_a_page(office: Office, client: FlaskClient) -> None:
    office.hire("secrecy9", ("secrecy_reviewer",))
    _sign_in(office, client, "secrecy9")
    page = client.get("/workbench/deputies").get_data(as_text=True)
    form = {
        "_csrf_token": _token(page),
        "user": office.name("stranger"),
        "role": "secrecy_reviewer",
    }
    refused = client.post("/workbench/deputies", data=form)
    assert refused.status_code == 409
    client.post("/workbench/deputies", data={**form, "to": office.days_ahead(300)})
    made = office.act("secrecy9", "govopen_deputy_list")["items"]
    assert [one["user_id"] for one in made] == [office.user_id("stranger")]
    client.post(
        "/workbench/deputies/end", data={"_csrf_token": form["_csrf_token"], "id": made[0]["id"]}
    )
    assert office.act("secrecy9", "govopen_deputy_list")["items"] == []


def test_a_deputy_and_the_one_represented_clear_as_one_person(office: Office) -> None:
    office.hire("secrecy10", ("secrecy_reviewer",))
    office.hire("stand-in10", ())
    _deputy(office, "secrecy10", "stand-in10")
    case_id = office.submit(office.draft(data=MARKED.format(number=74).encode())["id"])
    hits = _hits(office, case_id, "critical")
    _clear(office, "stand-in10", case_id, hits)
    with pytest.raises(tk.ValidationError) as caught:
        _clear(office, "secrecy10", case_id, hits)
    assert code_of(caught) == "scan.E2"
    assert _step(office, case_id) == "hold"
