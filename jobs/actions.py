"""Reminding clients of what they were asked for, and ending what nobody answers."""

from typing import Any

from app.communications import actions
from app.core.jobs import Running, handler


@handler("actions.remind", routine=True)
def remind(running: Running) -> dict[str, Any]:
    """Mail what has fallen due, and end what is long overdue."""
    with running.step():
        reminded = actions.remind()
    return {"reminded": reminded, "expired": actions.expire(step=running.step)}
