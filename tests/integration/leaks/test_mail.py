"""Mail leaves the site: what people ask for and what is sent by itself quote nothing of a dataset."""

from __future__ import annotations

import asking
import sqlalchemy as sa
from world import World

import ckan.model as model

from ckanext.govopen.logic import mail, waiting


def _mailed(one: World, since: int) -> str:
    """What was mailed from a moment on; something must have been."""
    assert asking.MAILBOX is not None
    assert len(asking.MAILBOX.mails) > since
    return asking.MAILBOX.text(since)


def _sent() -> int:
    return len(asking.MAILBOX.mails) if asking.MAILBOX else 0


def test_the_mail_about_cases_that_wait_too_long_quotes_nothing(world: World) -> None:
    dataset, before = world.datasets["submitted"], _sent()
    with world.application.test_request_context("/"):
        for role in ("a-leader", "authority"):
            world.a.user(role).email = f"{world.mark}person{role}@yz.example"
        model.Session.execute(
            sa.text(
                "UPDATE govopen_review SET step_since = step_since - interval '60 days'"
                " WHERE case_id = :case"
            ),
            {"case": dataset.case},
        )
        told = waiting.escalate(model.Session)
        model.repo.commit()
        assert {level for case_id, level in told if case_id == dataset.case} == {1, 2}
        mail.send_waiting(model.Session)
    text = _mailed(world, before)
    assert f"{world.mark}submitted" not in text
    assert not any(value in text for value in (dataset.id, dataset.name, dataset.case))
    assert "/workbench" in text


def test_a_mail_that_quotes_a_dataset_is_found(world: World) -> None:
    """The matrix reads mail: were a title in one, this is what it would say."""
    title = world.word("draft", "title")
    answer = asking.Answer(200, {}, "", mailed=f"Subject: {title}")
    assert f"mail: {title}" in asking.leaks(world, "visitor", answer)


def test_a_link_to_a_new_password_names_its_person_alone(world: World) -> None:
    before = _sent()
    with world.application.test_request_context("/"):
        world.a.user("officer").email = f"officer-{world.a.mark}@yz.example"
        model.repo.commit()
    asking._request(world, "visitor", "POST", "/user/reset", data={"user": world.a.name("officer")})
    text = _mailed(world, before)
    assert "/user/reset/" in text
    assert not asking.leaks(world, "visitor", asking.Answer(200, {}, "", mailed=text))
