"""What is written down beside a decision of billing; pure."""

from app.core.errors import RuleError

LONGEST_REASON = 300


def reason_given(text: str, *, missing: str) -> str:
    """A reason as it is kept. Raises `RuleError` for one that is `missing`, or does not fit."""
    reason = " ".join(text.split())
    if not reason:
        raise RuleError(missing)
    if len(reason) > LONGEST_REASON:
        raise RuleError(
            f"The reason has {len(reason)} characters, at most {LONGEST_REASON} fit: shorten it."
        )
    return reason
