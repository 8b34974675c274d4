"""Command lines: one parser for each command, help in Chinese and English."""

from __future__ import annotations

import argparse
import ipaddress
from typing import NoReturn

from stack.messages import StackError, both, text


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence and whose help shows both languages."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, text("usage_error", problem=message, command=self.prog) + "\n")


def parser(command: str) -> Parser:
    """Return the parser of a door, with the option that nearly all share."""
    made = Parser(
        prog=f"./scripts/{command}",
        description=both(f"help_{command}"),
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
    )
    made.add_argument("-h", "--help", action="help", help=text("help_help"))
    return made


def with_data(made: Parser) -> Parser:
    """Add `--data DIR`."""
    made.add_argument("--data", metavar="DIR", help=text("help_data"))
    return made


def port(value: str) -> int:
    """Return a port number that an ordinary user may listen on (or root's range, if asked for)."""
    number = int(value)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(text("port_range"))
    return number


def is_loopback(host: str) -> bool:
    """Tell whether the host is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_host(host: str, city: str, stamp: str) -> None:
    """Refuse to show a site whose clock can be set to other machines."""
    if (city in ("demo", "small") or stamp) and not is_loopback(host):
        raise StackError("host_refused", host=host, city=stamp or city)
