"""Lines down to their entries, each with its arithmetic in words, for previews and invoices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from app.billing import invoice_queries, queries
from app.billing.documents.presentation import TIMES
from app.billing.engine.explain import explain_entry
from app.billing.engine.facts import BilledEntry, Line, LineKey, Policy, Tax
from app.billing.invoice_queries import BilledTime
from app.billing.models import Document, DocumentLine
from app.core.formats import grouped, price
from app.core.money import plain

MOST_ENTRIES = 400


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """An entry of a line: what was worked, what it comes to, and why in sentences."""

    id: int
    day: date
    person: str
    text: str
    recorded_seconds: int
    billed_seconds: int
    amount_minor: int
    rule_id: int | None
    sentences: Sequence[str]


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of a document or preview; `entries` is None where they are fetched on demand.

    `was` is the text that was compiled where somebody gave another; a line with a `key` may be
    given one.
    """

    id: int
    kind: str
    text: str
    seconds: int
    rate: str
    net_minor: int
    tax: str
    ticket_id: int | None = None
    extra_id: int | None = None
    discount_minor: int = 0
    entries: list[ShownEntry] | None = field(default_factory=list)
    was: str = ""
    key: LineKey | None = None
    quantity: str = ""


def lines_of(document: Document, *, line_id: int | None = None) -> list[ShownLine]:
    """The lines of an issued document with their entries.

    Of a document with more than `MOST_ENTRIES` only the entries of `line_id` are shown.
    """
    found = invoice_queries.entries_of(document.id, most=MOST_ENTRIES + 1)
    is_long = len(found) > MOST_ENTRIES
    if is_long:
        wanted = line_id or 0
        found = invoice_queries.entries_of(document.id, most=100 * MOST_ENTRIES, line_id=wanted)
    by_line: dict[int, list[BilledTime]] = {}
    for billed in found:
        by_line.setdefault(billed.line_id, []).append(billed)
    policy = policy_of(document.policy)
    return [
        _issued_line(line, by_line.get(line.id, ()), policy, document.currency, is_long, line_id)
        for line in document.lines
    ]


def _issued_line(
    line: DocumentLine,
    billed: Iterable[BilledTime],
    policy: Policy,
    currency: str,
    is_long: bool,
    chosen: int | None,
) -> ShownLine:
    facts = _line_facts(line)
    entries = [
        ShownEntry(
            id=each.entry.id,
            day=each.entry.work_date,
            person=each.person,
            text=each.entry.description or each.entry.project,
            recorded_seconds=each.recorded_seconds,
            billed_seconds=each.billed_seconds,
            amount_minor=each.amount_minor,
            rule_id=each.rule.id if each.rule else None,
            sentences=_sentences(each, facts, policy, currency),
        )
        for each in billed
    ]
    return ShownLine(
        id=line.id,
        kind=line.kind,
        text=line.text,
        seconds=line.seconds,
        quantity=how_many(line.quantity, line.unit),
        rate=price(line.unit_price, currency),
        net_minor=line.net_minor,
        tax=f"{line.tax_name} {plain(line.tax_percent)} %",
        ticket_id=line.ticket_id,
        discount_minor=line.explanation.get("discount_minor", 0),
        entries=None if is_long and line.kind == "time" and line.id != chosen else entries,
    )


def _line_facts(line: DocumentLine) -> Line:
    why = line.explanation
    return Line(
        position=line.position,
        kind="time",
        text=line.text,
        seconds=line.seconds,
        rate=plain(line.unit_price),
        amount_minor=why.get("amount_minor", line.net_minor),
        discount_minor=why.get("discount_minor", 0),
        net_minor=line.net_minor,
        tax_minor=why.get("tax_minor", 0),
        tax=Tax(line.tax_name, Decimal(plain(line.tax_percent) or 0), line.tax_category),
    )


def _sentences(billed: BilledTime, line: Line, policy: Policy, currency: str) -> list[str]:
    if billed.rule is None:
        return []
    entry = BilledEntry(
        billed.entry.id,
        billed.recorded_seconds,
        billed.billable_seconds,
        billed.billed_seconds,
        billed.rule.id,
        line.rate or plain(billed.rule.rate),
        billed.amount_minor,
    )
    rule = queries.rate_rule(billed.rule)
    return explain_entry(entry, line=line, policy=policy, rule=rule, currency=currency)


def policy_of(stored: dict[str, Any]) -> Policy:
    """The rounding policy that a document or preview was made under."""
    return Policy(**{name: stored[name] for name in Policy.__slots__ if name in stored})


def how_many(quantity: Decimal | None, unit: str) -> str:
    """A quantity with its unit; nothing for none."""
    return f"{grouped(Decimal(plain(quantity)))} {unit or TIMES}" if quantity is not None else ""
