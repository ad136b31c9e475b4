"""How a page of the desk carries out what a person sent: once and whole, or not at all."""

from collections.abc import Callable
from typing import Any

from flask_login import current_user

from app.core import posting
from app.core.errors import RuleError
from app.core.posting import Outcome, refused, taken

__all__ = ["Outcome", "carry_out", "refused", "taken"]


def carry_out(
    action: Callable[[], Outcome],
    *,
    back: str,
    again: Callable[[RuleError], Any] | None = None,
) -> Any:
    """`app.core.posting.carry_out` for the user who is signed in."""
    return posting.carry_out(action, person=current_user.id, back=back, again=again)
