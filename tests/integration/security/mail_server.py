"""A mail server on this machine that speaks STARTTLS with a certificate of its own making."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path


@dataclass
class MailServer:
    """What it heard: the commands of each connection, and the mails with their codes undone."""

    port: int
    certificate: Path
    heard: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)

    def text(self, since: int = 0) -> str:
        """Everything that the mails say, from one of them on: their heads and their words."""
        return "\n".join(
            "\n".join([*(f"{name}: {value}" for name, value in mail.items()), *_words(mail)])
            for mail in self.mails[since:]
        )


def _words(mail: EmailMessage) -> list[str]:
    parts = [part for part in mail.walk() if not part.is_multipart()]
    return [str(part.get_content()) for part in parts]


def _certificate(folder: Path) -> tuple[Path, Path]:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            "-keyout", str(key), "-out", str(certificate),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return key, certificate


@contextmanager
def mail_server(folder: Path) -> Iterator[MailServer]:
    key, certificate = _certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        one = MailServer(listening.getsockname()[1], certificate)
        listening.settimeout(0.5)
        ended = threading.Event()
        thread = threading.Thread(target=_serve, args=(listening, context, one, ended), daemon=True)
        thread.start()
        try:
            yield one
        finally:
            ended.set()
            thread.join()


def _serve(
    listening: socket.socket, context: ssl.SSLContext, one: MailServer, ended: threading.Event
) -> None:
    while not ended.is_set():
        try:
            connection, _ = listening.accept()
        except TimeoutError:
            continue
        connection.settimeout(10)
        try:
            _talk(connection, context, one)
        except OSError:
            one.heard.append("broken off")
        finally:
            connection.close()


def _talk(connection: socket.socket, context: ssl.SSLContext, one: MailServer) -> None:
    connection.sendall(b"220 localhost\r\n")
    lines = connection.makefile("rb")
    while line := lines.readline():
        command = line.decode(errors="replace").strip()
        one.heard.append(command)
        word = command[:4].upper()
        if word == "STAR":
            connection.sendall(b"220 go on\r\n")
            connection = context.wrap_socket(connection, server_side=True)
            lines = connection.makefile("rb")
        elif word == "EHLO":
            connection.sendall(b"250-localhost\r\n250 STARTTLS\r\n")
        elif word == "DATA":
            connection.sendall(b"354 go on\r\n")
            mail = b""
            while (line := lines.readline()) not in (b".\r\n", b""):
                one.heard.append(line.decode(errors="replace").strip())
                mail += line
            parsed = message_from_bytes(mail, policy=default)
            assert isinstance(parsed, EmailMessage)
            one.mails.append(parsed)
            connection.sendall(b"250 taken\r\n")
        else:
            connection.sendall(b"221 bye\r\n" if word == "QUIT" else b"250 well\r\n")
            if word == "QUIT":
                return
