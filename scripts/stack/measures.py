"""The self-check at a start: which security measures this installation does without."""

from __future__ import annotations

from urllib.parse import urlsplit

from stack import options
from stack.installation import Installation
from stack.messages import say_both

# A measure of the product is there when its module is.
MODULES = {"no_two_factor": "two_factor.py", "no_single_sign_on": "single_sign_on.py"}


def missing(one: Installation) -> list[str]:
    """Return the keys of the texts that name what is missing."""
    logic = one.checkout.extension / "logic"
    found = [key for key, module in MODULES.items() if not (logic / module).exists()]
    where = urlsplit(one.site_url)
    seen_by = (where.hostname or "", one.state.host)
    if where.scheme != "https" and not all(map(options.is_loopback, seen_by)):
        found.append("no_encryption")
    if one.state.city == "empty" and one.folder.accounts_file.exists():
        found.append("first_passwords")
    return found


def tell(one: Installation) -> None:
    """Print what is missing, for people of either language."""
    found = missing(one)
    say_both("measures_missing" if found else "measures_complete")
    for key in found:
        say_both(key, url=one.site_url, path=one.folder.accounts_file)
