"""Recovery codes: each lets somebody in once who has lost the authenticator app. Pure.

Sixteen letters and digits that are not mistaken for others, 79 bits: too many to be tried even by
who has stolen the hashes, so that a plain SHA-256 is enough.
"""

import hashlib
import secrets

HOW_MANY = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
LENGTH, GROUP = 16, 4


def new_codes() -> tuple[str, ...]:
    """Codes as a person keeps them, in groups of four: abcd-efgh-jkmn-pqrs."""
    return tuple(_new() for _ in range(HOW_MANY))


def hashed(code: str) -> str:
    """What is kept of a code, however it is spaced and whatever its case."""
    bare = "".join(sign for sign in code.lower() if sign.isalnum())
    return hashlib.sha256(bare.encode()).hexdigest()


def _new() -> str:
    signs = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    return "-".join(signs[at : at + GROUP] for at in range(0, LENGTH, GROUP))
