"""Mail that must not tell who has an account: a failure to send is logged, never shown."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import ckan.lib.mailer as mailer

log = logging.getLogger(__name__)

RESET = "request_password_reset"


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
