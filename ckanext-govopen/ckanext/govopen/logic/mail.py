"""Mail: sent to a server that proves who it is; a failure is logged, never shown.

CKAN 2.12.0 takes any certificate of a server that it reaches by STARTTLS, so whoever stands between
could read reset links, and waits for its answer without end. A failure that is shown would tell who
has an account.

What the site says by itself is kept in the transaction that has a reason to say it, and sent after:
no transaction is open while the server is spoken to. A mail that fails, or whose process dies, is
tried again after a lease, `MOST_TRIES` times in all. One that the server took just before the
process died is sent again for each such death; none is lost for one.
"""

from __future__ import annotations

import ipaddress
import logging
import smtplib
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

import ckan.lib.mailer as mailer
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.model import mail as store

log = logging.getLogger(__name__)

RESET = "request_password_reset"
ANSWER_SECONDS = 20  # the server has for each of its answers
LEASE, MOST_TRIES = timedelta(minutes=10), 6  # tried again after 10, 20, 40, 80 and 160 minutes
FAILURES = 3  # one after the other: the server is at fault, the others wait for the next round
# Of the server, the connection, or an address that cannot be written into a header.
FAULTS = (mailer.MailerException, smtplib.SMTPException, OSError, ValueError)
Person = Line = Mapping[str, Any]


class VerifyingSMTP(smtplib.SMTP):
    """A connection whose STARTTLS asks for a certificate that the system trusts, of that host.

    A server that does not answer ends it.
    """

    def __init__(self, host: str = "", port: int = 0) -> None:
        super().__init__(host, port, timeout=ANSWER_SECONDS)

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


def once_a_day(
    session: Session,
    people: Iterable[Person],
    told: Callable[[Person], Sequence[Line]],
    claim: Callable[[Session, str, date, int], bool],
    words: Callable[[Sequence[Line]], tuple[str, str]],
) -> int:
    """Sends each person one mail of today at the most; gives how many the server took.

    Args:
        people: `{id, …}`, with an address.
        told: what concerns a person, who gets no mail where nothing does.
        claim: notes a person's mail of a day; False where it was noted before.
        words: subject and body.
    """
    today = clock.today()
    for person in people:
        concerned = told(person)
        if concerned and claim(session, str(person["id"]), today, len(concerned)):
            put(session, [str(person["id"])], *words(concerned))
    session.commit()
    return send_waiting(session)


def put(session: Session, user_ids: Iterable[str], subject: str, body: str) -> int:
    """Keeps the same few words for several people, to be sent once the caller has committed.

    A mail leaves the site: it says that something waits and where, and quotes nothing of it. Who
    has no address finds it at the workbench.

    Returns:
        mails to be sent; 0 where none may be.
    """
    return store.put(session, list(user_ids), subject, body) if may_send() else 0


def send_waiting(session: Session) -> int:
    """Sends what waits, until nothing does or the server fails; gives how many it took.

    The caller's transaction must have ended.
    """
    if not may_send():
        return 0
    for user_id in store.give_up(session, MOST_TRIES):
        log.error("a mail to user %s was given up after %d tries", user_id, MOST_TRIES)
    session.commit()
    sent = failures = 0
    while failures < FAILURES and (mail := _claimed(session)) is not None:
        if not _deliver(mail):
            failures += 1
            continue
        store.end(session, int(mail["seq"]))
        session.commit()
        sent, failures = sent + bool(mail["email"]), 0
    return sent


def _claimed(session: Session) -> store.Row | None:
    found = store.claim(session, LEASE, MOST_TRIES)
    session.commit()
    return found


def _deliver(mail: store.Row) -> bool:
    """Sends one mail; True when it is dealt with, also where its person has gone."""
    if not mail["email"]:
        return True
    try:
        mailer.mail_recipient(mail["shown"], mail["email"], mail["subject"], mail["body"])
    except FAULTS as error:  # what it says may hold the address
        log.warning("a mail to user %s waits: %s", mail["user_id"], type(error).__name__)
        return False
    return True


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
