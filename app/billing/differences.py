"""What changed between a stored preview and what compiling gives now, in words."""

from typing import Any

from app.billing.compilation import Preview
from app.core.formats import amount

MOST_NAMED = 10


def difference(before: dict[str, Any], gross_before: int, now: Preview) -> str:
    """Say why a preview no longer holds: entries come, gone or re-priced, its order, the totals."""
    document = now.compiled.document
    old = {entry[0]: tuple(entry[1:]) for line in before["lines"] for entry in line["entries"]}
    new = {
        entry.entry_id: (entry.billed_seconds, entry.amount_minor)
        for line in document.lines
        for entry in line.entries
    }
    changed = [key for key in old.keys() & new.keys() if old[key] != new[key]]
    said = [
        _entries("came in", new.keys() - old.keys()),
        _entries("went out", old.keys() - new.keys()),
        _entries("cost something else", changed),
        _order(before.get("purchase_order", ""), now.purchase_order),
    ]
    said = [sentence for sentence in said if sentence] or ["texts, taxes or policies changed"]
    totals = [amount(minor, document.currency) for minor in (gross_before, document.payable_minor)]
    return (
        f"The preview no longer holds: {'; '.join(said)}. The total was {totals[0]} and would be"
        f" {totals[1]}. Compile again."
    )


def _order(before: str, now: str) -> str:
    if before == now:
        return ""
    return f"the purchase order of all lines was {before or 'none'} and would be {now or 'none'}"


def _entries(what: str, ids: Any) -> str:
    named = sorted(ids)
    if not named:
        return ""
    shown = ", ".join(map(str, named[:MOST_NAMED]))
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return f"time {'entry' if len(named) == 1 else 'entries'} {shown}{more} {what}"
