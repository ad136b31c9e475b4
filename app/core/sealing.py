"""Secrets at rest: passwords of mailboxes, logins of clients. Sealed by keys made of SECRET_KEY.

Fernet (AES-128-CBC with HMAC-SHA256). Former keys (SECRET_KEY_FALLBACKS) still open what they
sealed; what is sealed again takes the present one.
"""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app

from app.core.errors import RuleError


def key_for(purpose: str, *, secret: str | None = None) -> bytes:
    """32 bytes for one purpose alone, derived from SECRET_KEY (or a former one given)."""
    settings = current_app.extensions["settings"]
    master = (secret or settings.signing_key()).encode()
    return hmac.new(master, f"tallydesk:{purpose}".encode(), hashlib.sha256).digest()


def keys_for(purpose: str) -> list[bytes]:
    """The key of a purpose by the present SECRET_KEY, then by each former one."""
    former = current_app.extensions["settings"].secret_key_fallbacks
    return [key_for(purpose), *(key_for(purpose, secret=secret) for secret in former)]


def seal(text: str, *, purpose: str) -> str:
    """What may be stored in place of a secret."""
    return _box(purpose).encrypt(text.encode()).decode("ascii")


def unseal(sealed: str, *, purpose: str) -> str:
    """The secret again. Raises `RuleError` when SECRET_KEY is no longer the one that sealed it."""
    try:
        return _box(purpose).decrypt(sealed.encode("ascii")).decode()
    except (InvalidToken, ValueError) as error:
        raise RuleError(
            "A stored secret cannot be opened: SECRET_KEY has changed. Enter the secret again, "
            "or name the former key in SECRET_KEY_FALLBACKS."
        ) from error


def _box(purpose: str) -> MultiFernet:
    keys = [base64.urlsafe_b64encode(key) for key in keys_for(f"seal:{purpose}")]
    return MultiFernet([Fernet(key) for key in keys])
