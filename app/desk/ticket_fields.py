"""The fields of a ticket as its form has them, and a form that meets somebody else's change."""

from collections.abc import Mapping

from app.core import formats
from app.tickets.models import Ticket

WAS = "was-"


def shown(ticket: Ticket, zone: str) -> dict[str, str]:
    """What the form says of a ticket, each field as it is sent back when nobody touches it."""
    return {
        "status": str(ticket.status_id),
        "assignee": str(ticket.assignee_id or ""),
        "department": str(ticket.department_id or ""),
        "priority": ticket.priority,
        "due": formats.typed_instant(ticket.due_at, zone),
        "requester": str(ticket.requester_id or ""),
        "subject": ticket.subject,
        "tags": ", ".join(ticket.tags),
        "purchase_order": ticket.purchase_order or "",
    }


def merged(sent: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """The form once more: a field that its sender did not touch says what it says now.

    `was-` and a field's name carry what the form showed first. What the sender changed stays,
    also where both changed it; the page tells beside it what it says now.
    """
    return {
        name: value if sent.get(name, value) == sent.get(WAS + name) else sent.get(name, value)
        for name, value in now.items()
    }
