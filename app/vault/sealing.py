"""What is inside a login, sealed by the vault's own keys (Fernet), the first of which seals.

The keys are no part of SECRET_KEY: sessions may be signed anew without touching a login.
"""

import json
from dataclasses import asdict, dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app

from app.core.errors import RuleError


@dataclass(frozen=True, slots=True)
class Secret:
    """What is sealed. Its text never stands in a log or a message."""

    user: str
    secret: str
    note: str = ""

    def __repr__(self) -> str:
        return "Secret(…)"


def seal(secret: Secret) -> str:
    """What may be stored."""
    return _box().encrypt(json.dumps(asdict(secret)).encode()).decode("ascii")


def unseal(sealed: str) -> Secret:
    """The secret again. Raises `RuleError` when none of the vault's keys sealed it."""
    try:
        return Secret(**json.loads(_box().decrypt(sealed.encode())))
    except (InvalidToken, ValueError, TypeError) as error:
        raise RuleError(
            "This login cannot be opened: the key that sealed it is not among VAULT_KEYS. "
            "Put the former key back behind the present one."
        ) from error


def resealed(sealed: str) -> str:
    """The same content, sealed by the first key. Raises `RuleError` as `unseal` does."""
    try:
        return _box().rotate(sealed.encode()).decode("ascii")
    except InvalidToken as error:
        raise RuleError("A login was sealed by a key that is not among VAULT_KEYS.") from error


def is_of_first_key(sealed: str) -> bool:
    """Whether the first key sealed it."""
    try:
        Fernet(_keys()[0]).decrypt(sealed.encode())
    except InvalidToken:
        return False
    return True


def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in _keys()])


def _keys() -> tuple[str, ...]:
    keys: tuple[str, ...] = current_app.extensions["settings"].vault_key_list()
    return keys
