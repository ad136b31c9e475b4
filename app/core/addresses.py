"""Mail addresses: how they are told apart, and at which nobody reads; pure."""

import re

DAEMONS = frozenset({"mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon", "majordomo"})
NEVER_READS = re.compile(r"(no-?reply|do-?not-?reply|bounces?|nobody)([+._-].*)?", re.IGNORECASE)


def usual(address: str) -> str:
    """An address as it is stored and looked for, in lower case.

    The database folds more letters than Python does ("İ" to "i"): asked for as it was typed,
    an address at another domain would find its owner.
    """
    return address.strip().lower()


def is_daemon(address: str) -> bool:
    """Whether mail systems write under this address, never people."""
    return address.partition("@")[0].lower() in DAEMONS


def never_reads(address: str) -> bool:
    """Whether nobody reads what is sent to this address (no-reply and the like)."""
    return is_daemon(address) or NEVER_READS.fullmatch(address.partition("@")[0]) is not None
