"""The port through which mails leave: an SMTP server, or `.eml` files when there is none.

`smtplib` and not Flask-Mail: we need a time limit on every answer, checked certificates, and a
server that fails on QUIT must not make a delivered mail look undelivered.
"""

import os
import smtplib
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from flask import current_app

from app.core.errors import RuleError
from app.core.faults import faultpoint

TIMEOUT = 10.0
LONGEST = 40.0
PAUSE = 30.0
PERMANENT = range(500, 600)
DEFAULT_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_silent_until: dict[str, float] = {}


class RefusedForGoodError(RuleError):
    """The server refuses this mail and will refuse it again (a 5xx answer)."""


class NotNowError(Exception):
    """The server is away, too slow or asks for patience (4xx): to be tried again later."""


class NotTriedError(NotNowError):
    """Nothing was tried: the server did not answer a moment ago, and is left alone for a while."""


class Mailer(Protocol):
    """One way for mails to leave."""

    def deliver(self, message: EmailMessage, *, recipient: str, mail_id: int) -> str:
        """Hand the mail over; returns its new state, `sent` or `kept`.

        Raises `RefusedForGoodError` or `NotNowError`, each saying what the other side said.
        """


def current() -> Mailer:
    """The mailer of this installation."""
    url = current_app.extensions["settings"].smtp_url
    return SmtpMailer(url) if url else KeptMailer(kept_folder())


def sends() -> bool:
    """Whether this installation has a mail server; else mails are kept."""
    return bool(current_app.extensions["settings"].smtp_url)


def sender() -> str:
    """The From address of this installation."""
    settings = current_app.extensions["settings"]
    host = urlsplit(settings.public_url).hostname or "localhost"
    return settings.mail_from or f"no-reply@{host}"


def kept_folder() -> Path:
    """Where mails are kept as `.eml` files while there is no SMTP server."""
    return Path(current_app.config["DATA_DIR"]) / "mail"


def kept_file(mail_id: int) -> Path:
    """The file of a kept mail."""
    return kept_folder() / f"{mail_id}.eml"


class KeptMailer:
    """Keeps each mail as a file; doing it twice leaves one file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def deliver(self, message: EmailMessage, *, recipient: str, mail_id: int) -> str:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as file:
                file.write(message.as_bytes())
                file.flush()
                os.fsync(file.fileno())
            faultpoint("mail.before_keep")
            Path(file.name).replace(self.folder / f"{mail_id}.eml")
        except OSError as error:
            raise NotNowError(f"The mail could not be kept: {error.strerror}.") from error
        faultpoint("mail.after_keep")
        return "kept"


class SmtpMailer:
    """Hands each mail to one SMTP server, under a time limit.

    A server that cannot be reached is left alone for a while, so that a long queue of mails does
    not keep a worker from its other jobs.
    """

    def __init__(self, url: str, *, timeout: float = TIMEOUT) -> None:
        self.parts = urlsplit(url)
        self.host = self.parts.hostname or ""
        self.port = self.parts.port or DEFAULT_PORTS[self.parts.scheme]
        self.timeout = timeout

    @property
    def name(self) -> str:
        """The server as people know it."""
        return f"{self.host}:{self.port}"

    def deliver(self, message: EmailMessage, *, recipient: str, mail_id: int) -> str:
        if time.monotonic() < _silent_until.get(self.name, 0):
            raise NotTriedError(f"The mail server {self.name} did not answer a moment ago.")
        client = self._connected()
        try:
            faultpoint("mail.before_send")
            with self._explained(recipient):
                client.send_message(message, to_addrs=[recipient])
        finally:
            with suppress(OSError, smtplib.SMTPException):  # the mail is out, or said why not
                client.quit()
        return "sent"

    def _connected(self) -> "TimedClient":
        client = None
        try:
            client = self._client()
            client.ehlo_or_helo_if_needed()
            if self.parts.scheme == "smtp+starttls":
                client.starttls(context=ssl.create_default_context())
            if self.parts.username:
                client.login(unquote(self.parts.username), unquote(self.parts.password or ""))
        except (OSError, smtplib.SMTPException) as error:
            if client is not None:
                client.close()
            _silent_until[self.name] = time.monotonic() + PAUSE
            raise NotNowError(
                f"The mail server {self.name} cannot be used: {_words(error)}."
            ) from error
        return client

    def _client(self) -> "TimedClient":
        here = urlsplit(current_app.extensions["settings"].public_url).hostname or "localhost"
        if self.parts.scheme == "smtps":
            context = ssl.create_default_context()
            return TimedTlsClient(self.host, self.port, here, timeout=self.timeout, context=context)
        return TimedClient(self.host, self.port, here, timeout=self.timeout)

    @contextmanager
    def _explained(self, recipient: str) -> Iterator[None]:
        try:
            yield
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = next(iter(error.recipients.values()))
            raise self._refusal(recipient, code, answer) from error
        except smtplib.SMTPResponseException as error:
            raise self._refusal(recipient, error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise RefusedForGoodError(
                f"The mail server {self.name} cannot take the address {recipient}: {error}."
            ) from error
        except (OSError, smtplib.SMTPException) as error:
            _silent_until[self.name] = time.monotonic() + PAUSE
            raise NotNowError(f"The mail server {self.name} broke off: {_words(error)}.") from error

    def _refusal(self, recipient: str, code: int, answer: bytes | str) -> Exception:
        text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
        kind = RefusedForGoodError if code in PERMANENT else NotNowError
        return kind(f"The mail server {self.name} answered {code} for {recipient}: {text}")


class TimedClient(smtplib.SMTP):
    """An SMTP client whose whole conversation has a limit, not only each wait of it."""

    def __init__(self, host: str, port: int, here: str, *, timeout: float, **more: Any) -> None:
        self.ends_at = time.monotonic() + LONGEST
        self.patience = timeout
        super().__init__(host, port, here, timeout=timeout, **more)

    def getreply(self) -> tuple[int, bytes]:
        left = self.ends_at - time.monotonic()
        if left <= 0:
            self.close()
            raise TimeoutError
        if self.sock is not None:
            self.sock.settimeout(min(self.patience, left))
        try:
            return super().getreply()
        except smtplib.SMTPServerDisconnected as error:
            if isinstance(error.__context__, TimeoutError):
                raise error.__context__ from None
            raise

    def data(self, msg: bytes | str) -> tuple[int, bytes]:  # type: ignore[override]
        faultpoint("mail.before_data")
        answer = super().data(msg)
        faultpoint("mail.after_data")
        return answer

    def send(self, s: bytes | str) -> None:  # type: ignore[override]
        """Send; the body of a mail, the only bytes ever sent, goes in two halves."""
        if not isinstance(s, bytes):
            super().send(s)
            return
        half = len(s) // 2
        super().send(s[:half])
        faultpoint("mail.during_data")
        super().send(s[half:])


class TimedTlsClient(TimedClient, smtplib.SMTP_SSL):  # type: ignore[misc]
    """The same through TLS from the first byte."""


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "it closed the connection"
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error
        text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
        return f"{error.smtp_code} {text}"
    return str(getattr(error, "strerror", None) or error)
