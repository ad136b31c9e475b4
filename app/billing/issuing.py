"""What an issued invoice is, row by row, as COPY takes it in; pure but for the clock.

Previews come as they were compiled a moment before, ids and numbers as they were reserved.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.billing import ledger
from app.billing.compilation import Facts, Preview, stored_policy
from app.billing.compose import Dates, compose
from app.billing.documents.content import Seller, seal
from app.billing.engine.facts import Line
from app.billing.numbering import Numbers
from app.core import clock
from app.core.audit import Actor


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for: which run, whose accounts, on which date, by whom, with mail or not."""

    run_id: int
    through: date
    on: date
    actor: Actor
    mail: bool


def documents(
    order: Order,
    facts: Facts,
    previews: Sequence[Preview],
    ids: Sequence[int],
    numbers: Numbers,
    seller: Seller,
    hashes: list[str],
) -> Iterator[tuple[object, ...]]:
    """The rows of the documents; the server takes one in while the next is composed.

    Each hash goes after that of the document before it into `hashes`.
    """
    now = clock.now()
    for offset, (preview, document_id) in enumerate(zip(previews, ids, strict=True)):
        document, buyer = preview.compiled.document, preview.buyer
        due_on = order.on + timedelta(days=buyer.terms_days)
        number = numbers.number(offset)
        content = compose(
            document,
            number=number,
            dates=Dates(order.on, due_on, order.through),
            seller=seller,
            buyer=buyer,
            zone=preview.zone,
            requesters=preview.requesters,
            paper=facts.agency.paper,
            purchase_order=preview.purchase_order,
        )
        previous = hashes[-1]
        sealed = seal(content, previous=previous)
        hashes.append(sealed.sha256)
        yield (
            *(document_id, "invoice", preview.account.id, buyer.id, order.run_id),
            *(numbers.series_id, numbers.first + offset, number, order.on, now, due_on),
            *(order.through, document.currency, facts.agency.paper, document.net_minor),
            *(document.tax_minor, document.rounding_minor, document.payable_minor),
            json.dumps(stored_policy(document.policy)),
            *(sealed.content.decode(), sealed.sha256, previous, None, ""),
            *(order.actor.user_id, preview.zone, json.dumps(preview.ancestors)),
            json.dumps(preview.bill_to),
        )


def lines(
    previews: Sequence[Preview], ids: Sequence[int], line_ids: Sequence[int]
) -> Iterator[tuple[object, ...]]:
    """The rows of all lines, document by document."""
    of_line = iter(line_ids)
    for preview, document_id in zip(previews, ids, strict=True):
        for line in preview.compiled.document.lines:
            yield _line(line, next(of_line), document_id)


def _line(line: Line, line_id: int, document_id: int) -> tuple[object, ...]:
    why = (
        f'{{"amount_minor": {line.amount_minor}, "discount_minor": {line.discount_minor},'
        f' "tax_minor": {line.tax_minor}}}'
    )
    tax = line.tax
    return (
        *(line_id, document_id, line.position, line.kind, line.ticket_id, line.text),
        *(line.seconds, line.quantity or None, "h" if line.kind == "time" else line.unit),
        *(line.rate, line.net_minor),
        *(tax.name, tax.category, tax.percent, why),
    )


def allocations(
    previews: Sequence[Preview], line_ids: Sequence[int], actor: Actor
) -> Iterator[tuple[object, ...]]:
    """The rows that say what each entry came to, by the lines of the documents in their order."""
    user = actor.user_id
    lines = (line for preview in previews for line in preview.compiled.document.lines)
    for line_id, line in zip(line_ids, lines, strict=True):
        for each in line.entries:
            yield (
                *("line", each.entry_id, line_id, each.rate_rule_id, each.recorded_seconds),
                *(each.billable_seconds, each.billed_seconds, each.amount_minor, None, "", user),
            )


def taxes(previews: Sequence[Preview], ids: Sequence[int]) -> list[tuple[object, ...]]:
    """The rows of each document's taxes."""
    return [
        (
            *(document_id, total.tax.name, total.tax.category, total.tax.percent),
            *(total.taxable_minor, total.tax_minor),
        )
        for preview, document_id in zip(previews, ids, strict=True)
        for total in preview.compiled.document.tax_totals
    ]


def journals(
    order: Order, previews: Sequence[Preview], ids: Sequence[int]
) -> Iterator[ledger.Journal]:
    """What each document books."""
    for preview, document_id in zip(previews, ids, strict=True):
        document = preview.compiled.document
        yield ledger.document_journal(
            1,
            account_id=preview.account.id or 0,
            currency=document.currency,
            on_date=order.on,
            document_id=document_id,
            net_minor=document.net_minor,
            tax_minor=document.tax_minor,
            rounding_minor=document.rounding_minor,
        )
