"""Under which purchase order of the client a document was ordered."""

import re
from collections.abc import Iterable, Mapping

from app.billing.engine.facts import Document, Entry, ExtraLine


def ordered(order: str) -> str:
    """How the text of a line ends that the client ordered by a purchase order; kept in English."""
    if not order:
        return ""
    return f", {order}" if re.match(r"PO\b", order, re.IGNORECASE) else f", PO {order}"


def common_order(
    document: Document,
    entries: Iterable[Entry],
    extras: Iterable[ExtraLine],
    orders: Mapping[int, str],
) -> str:
    """The purchase order of every line; empty where a line has none, or another.

    That of time is its ticket's (`orders`), that of a line made by hand its own.
    """
    added = {extra.id: extra.order for extra in extras}
    if not orders and not any(added.values()):
        return ""
    tickets = {entry.id: entry.ticket_id for entry in entries}
    found: set[str] = set()
    for line in document.lines:
        if line.kind == "time":
            found.update(orders.get(tickets[each.entry_id] or 0, "") for each in line.entries)
        else:
            found.add(added.get(line.extra_id, ""))
        if len(found) > 1:
            return ""
    return found.pop() if found else ""
