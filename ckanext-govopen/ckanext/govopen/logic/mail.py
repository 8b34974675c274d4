"""Mail: sent to a server that proves who it is; a failure is logged, never shown.

CKAN 2.12.0 takes any certificate of a server that it reaches by STARTTLS, so whoever stands between
could read reset links. A failure that is shown would tell who has an account.
"""

from __future__ import annotations

import ipaddress
import logging
import smtplib
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

import ckan.lib.mailer as mailer
import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock

log = logging.getLogger(__name__)

RESET = "request_password_reset"
Person = Line = Mapping[str, Any]


class VerifyingSMTP(smtplib.SMTP):
    """A connection whose STARTTLS asks for a certificate that the system trusts, of that host."""

    def starttls(self, *, context: ssl.SSLContext | None = None) -> tuple[int, bytes]:
        try:
            return super().starttls(context=context or ssl.create_default_context())
        except ssl.SSLError as error:
            self.close()
            raise smtplib.SMTPException(f"the mail server was not believed: {error}") from error

    def quit(self) -> tuple[int, bytes]:
        return super().quit() if self.sock else (221, b"closed before")


class _Smtp:
    """What CKAN's mailer uses of the module smtplib."""

    SMTP = VerifyingSMTP
    SMTPException = smtplib.SMTPException
    SMTPConnectError = smtplib.SMTPConnectError


def install() -> None:
    """Makes CKAN's mailer verify; called when the plugin loads."""
    mailer.smtplib = _Smtp


def may_send() -> bool:
    """False where no sender is set, and on a demo or test site but to a server on this machine."""
    if not tk.config.get("smtp.mail_from"):
        return False
    return not clock.is_settable() or _is_loopback(str(tk.config.get("smtp.server") or ""))


def _is_loopback(server: str) -> bool:
    host = server.rpartition(":")[0] or server
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def deliver(person: Person, subject: str, body: str) -> bool:
    """Sends one mail to `{id, shown, email}`; one address that fails keeps nobody else's back."""
    try:
        mailer.mail_recipient(str(person["shown"]), str(person["email"]), subject, body)
    except Exception:
        log.exception("no mail was sent to user %s", person["id"])
        return False
    return True


def once_a_day(
    session: Session,
    people: Iterable[Person],
    told: Callable[[Person], Sequence[Line]],
    claim: Callable[[Session, str, date, int], bool],
    words: Callable[[Sequence[Line]], tuple[str, str]],
) -> int:
    """Sends each person one mail of today at the most; gives how many the server took.

    It is noted before it is sent: a mail may be lost, and is never sent twice.

    Args:
        people: `{id, shown, email}`.
        told: what concerns a person, who gets no mail where nothing does.
        claim: notes a person's mail of a day; False where it was noted before.
        words: subject and body.
    """
    today, sent = clock.today(), 0
    for person in people:
        concerned = told(person)
        if concerned and claim(session, str(person["id"]), today, len(concerned)):
            session.commit()
            sent += deliver(person, *words(concerned))
    return sent


def tell(user_ids: Iterable[str], subject: str, body: str) -> int:
    """Sends the same few words to several people; who has no address finds them at the workbench.

    A mail leaves the site: it says that something waits and where, and quotes nothing of it.

    Returns:
        mails taken by the server; 0 where none may be sent.
    """
    if not may_send():
        return 0
    sent = 0
    for user in map(model.User.get, user_ids):
        if user is None or not user.is_active or not user.email:
            continue
        try:
            mailer.mail_user(user, subject, body)
            sent += 1
        except (mailer.MailerException, OSError, smtplib.SMTPException):
            log.exception("no mail was sent to user %s", user.id)
    return sent


def send_quietly(topic: str, details: Mapping[str, Any]) -> bool:
    """Sends the link of a password reset; True when the topic is dealt with.

    CKAN shows an error when the mail fails, which happens only for names that exist.
    """
    if topic != RESET:
        return False
    user = details["user"]
    try:
        mailer.send_reset_link(user)
    except Exception:  # whatever fails (no server, no sender set), the page says the same
        log.exception("no reset link was sent to user %s", user.id)
    return True
