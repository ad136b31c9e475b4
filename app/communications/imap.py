"""The port to a mailbox on an IMAP server: what is there, its raw bytes, and the seen flag."""

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from imap_tools import MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError

from app.core.errors import RuleError
from app.core.faults import faultpoint

TIMEOUT = 20.0
LARGEST = 60 * 1024 * 1024
SIZE = re.compile(rb"RFC822\.SIZE (\d{1,12})")
TROUBLE = (OSError, imaplib.IMAP4.error, ImapToolsError, ValueError)


@dataclass(frozen=True, slots=True)
class Account:
    """Where a mailbox is and how it is opened; `security` is tls, starttls or none."""

    host: str
    port: int
    security: str
    user_name: str
    password: str
    folder: str


class UnreachableError(RuleError):
    """The server does not answer, or does not let us in: to be tried again."""


class Connected:
    """An open folder. `uid_validity` changes when the server numbers its mails anew.

    `uid_next` is above the number of each mail that is there or was; 0 when it is not told.
    """

    def __init__(self, box: MailBoxUnencrypted | MailBox | MailBoxStartTls) -> None:
        self._box = box
        self.uid_validity = self._told("UIDVALIDITY")
        self.uid_next = self._told("UIDNEXT")

    def _told(self, name: str) -> int:
        """A number that the server says once, at the opening."""
        _, found = self._box.client.response(name)
        return int(found[0]) if found and found[0] else 0

    def uids_after(self, last: int) -> list[int]:
        """The numbers of mails that came after that one, oldest first."""
        with _explained():
            found = [int(uid) for uid in self._box.uids(f"UID {last + 1}:*", charset=None)]
        return sorted(uid for uid in found if uid > last)

    def unseen(self) -> list[int]:
        """The numbers of mails that are not flagged as seen, oldest first."""
        with _explained():
            return sorted(int(uid) for uid in self._box.uids("UNSEEN", charset=None))

    def raw(self, uid: int) -> bytes | None:
        """The raw bytes of a mail, left unseen; None when it is gone.

        Raises `RuleError` for one that is too large to be taken, or that the server refuses.
        """
        with _explained():
            sizes = self._box.client.uid("fetch", str(uid), "(RFC822.SIZE)")[1]
            size = next((int(n[1]) for n in map(_size, sizes) if n), 0)
            if size > LARGEST:
                raise RuleError(
                    f"Mail {uid} has {size / 1024**2:.0f} MiB, at most {LARGEST // 1024**2} are "
                    "taken: it stays in the mailbox until it is marked as read there."
                )
            faultpoint("imap.before_fetch")
            answer, parts = self._box.client.uid("fetch", str(uid), "(BODY.PEEK[])")
        if answer != "OK":
            said = b" ".join(part for part in parts if isinstance(part, bytes)).decode(
                "ascii", "replace"
            )
            raise RuleError(
                f"The mail server does not give mail {uid}, which is tried again: {said[:300]}."
            )
        return next((part[1] for part in parts if isinstance(part, tuple)), None)

    def mark_seen(self, uid: int) -> None:
        """Set the flag on the server, after the mail is safe here."""
        faultpoint("imap.before_flag")
        with _explained():
            self._box.client.uid("store", str(uid), "+FLAGS", r"(\Seen)")


def _size(line: bytes | tuple[bytes, bytes] | None) -> "re.Match[bytes] | None":
    return SIZE.search(line[0] if isinstance(line, tuple) else line or b"")


@contextmanager
def connected(account: Account) -> Iterator[Connected]:
    """Open a folder, and leave it again whatever happens. Raises `UnreachableError`."""
    box = None
    try:
        with _explained():
            box = _box(account)
            box.login(account.user_name, account.password, initial_folder=account.folder)
            opened = Connected(box)
        yield opened
    finally:
        if box is not None:
            with suppress(*TROUBLE):
                box.logout()
            with suppress(*TROUBLE):
                box.client.shutdown()  # a logout that fails leaves the socket open


def _box(account: Account) -> MailBoxUnencrypted | MailBox | MailBoxStartTls:
    host, port = account.host, account.port
    if account.security == "tls":
        return MailBox(host, port, timeout=TIMEOUT, ssl_context=ssl.create_default_context())
    if account.security == "starttls":
        context = ssl.create_default_context()
        return MailBoxStartTls(host, port, timeout=TIMEOUT, ssl_context=context)
    return MailBoxUnencrypted(host, port, timeout=TIMEOUT)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except RuleError:
        raise
    except TROUBLE as error:
        said = "it did not answer in time" if isinstance(error, TimeoutError) else str(error)
        raise UnreachableError(f"The mail server could not be read: {said[:300]}.") from error
