"""How a page of the portal carries out what a client sent: once and whole, or not at all."""

from collections.abc import Callable
from typing import Any

from app.core import posting
from app.core.errors import RuleError
from app.core.posting import Outcome, taken
from app.portal import client

__all__ = ["Outcome", "carry_out", "taken"]


def carry_out(
    action: Callable[[], Outcome],
    *,
    back: str,
    again: Callable[[RuleError], Any] | None = None,
) -> Any:
    """`app.core.posting.carry_out` for the client who is signed in."""
    return posting.carry_out(action, person=-client.current().id, back=back, again=again)
