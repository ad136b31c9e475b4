"""Passwords: what may be one, and making one that is printed once. Pure."""

import re
import secrets

from app.core.words import Words, say

SHORTEST = 12
LONGEST = 1000
FIELD = "password"
# Beginnings of the passwords that guessing tools try first; digits and signs around do not help.
_COMMON = """
password passwort motdepasse contrasena wachtwoord passw0rd p@ssw0rd p@ssword qwerty qwertyuiop
qwertyuiopasdf qwertzuiop azertyuiop asdfghjkl asdfghjklqwe zxcvbnm 1q2w3e4r5t 1q2w3e4r5t6y
qazwsxedc qazwsxedcrfv 1qaz2wsx3edc welcome letmein iloveyou admin administrator changeme
changeit secret master superuser football baseball sunshine princess dragon monkey trustno
tallydesk helpdesk spring summer autumn winter company agency invoice
"""
COMMON = frozenset(_COMMON.split())
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # without l, o, 0 and 1, which are misread


def problems_with(password: str, *, email: str) -> list[str]:
    """Every reason why this may not be the password of the person with this address."""
    found: list[Words] = []
    if len(password) < SHORTEST:
        found.append(
            say(
                "A password has at least %(least)s characters; three or four words will do.",
                least=SHORTEST,
            )
        )
    if not password:
        return [each.at(FIELD) for each in found]
    if len(password) > LONGEST:
        found.append(say("A password has at most %(most)s characters.", most=LONGEST))
    if _is_common(password):
        found.append(say("This password is among those that are tried first; choose another."))
    folded = password.casefold()
    local = email.casefold().partition("@")[0]
    if folded == email.casefold() or (local and folded.strip("0123456789!.-_") == local):
        found.append(say("The password may not be the e-mail address."))
    return [each.at(FIELD) for each in found]


def _is_common(password: str) -> bool:
    folded = password.casefold()
    letters = re.sub(r"^[^a-z]+|[^a-z]+$", "", folded)
    if folded in COMMON or letters in COMMON or letters == "" or len(set(folded)) <= 3:  # noqa: PLR2004
        return True
    half = len(folded) // 2
    return folded[:half] == folded[half:] and _is_common(folded[:half])


def new_password(drawn: bytes = b"") -> str:
    """Make a password of 100 random bits in four groups, easy to read out.

    The same one each time of the same `drawn`: 20 bytes or more that nobody can guess.
    """
    signs = [ALPHABET[byte % len(ALPHABET)] for byte in drawn or secrets.token_bytes(20)]
    return "-".join("".join(signs[at : at + 5]) for at in range(0, 20, 5))
