"""Reminding clients of what they were asked for, and ending what nobody answers."""

from typing import Any

from app.communications import action_deadlines, handing_on
from app.core.jobs import Running, handler


@handler("actions.remind", routine=True)
def remind(running: Running) -> dict[str, Any]:
    """Tell of those who have left, mail what has fallen due, and end what is long overdue."""
    with running.step():
        reminded = action_deadlines.remind()
    left = handing_on.tell_of_leaving(step=running.step)
    expiry = action_deadlines.end_overripe(step=running.step)
    found = {"left": left, "reminded": reminded, "expired": expiry.ended}
    return found | {"could_not_be_ended": "; ".join(expiry.failed)} if expiry.failed else found
