"""International bank account numbers (ISO 13616): the check that a typing mistake fails."""

import re

SHAPE = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


def problem_with(iban: str) -> str | None:
    """Say why this is no IBAN, or return None. Wants capitals without spaces."""
    if not SHAPE.fullmatch(iban):
        return f"{iban!r} is no IBAN: two letters, two digits, then the account."
    moved = iban[4:] + iban[:4]
    number = int("".join(str(int(sign, 36)) for sign in moved))
    if number % 97 != 1:
        return f"IBAN {iban}: its check digits do not fit, so a character is mistyped."
    return None
