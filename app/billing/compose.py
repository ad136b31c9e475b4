"""What a document will say: the engine's result with the parties as they are at issue."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import groupby

from msgspec.structs import replace
from sqlalchemy import select

from app.billing.documents.content import Buyer as ContentBuyer
from app.billing.documents.content import ContentLine, DocumentContent, Seller
from app.billing.documents.content import TaxTotal as ContentTax
from app.billing.documents.presentation import Wording, wording
from app.billing.engine.facts import Discount, Document, Line, Policy
from app.billing.engine.orders import ordered
from app.billing.queries import Buyer
from app.core.db import db
from app.core.language import ENGLISH
from app.core.models import Agency, StoredFile
from app.core.money import exponent
from app.core.words import say

AMOUNTS = {
    "line-once": say("Each line is rounded once, to the smallest coin."),
    "entry-once": say("Each time entry is rounded, then summed."),
    "entry-4dp": say("Each time entry is rounded to 4 decimals, then summed and rounded."),
    "hours-2dp": say("Hours are rounded to 2 decimals before they are priced."),
}
TAX_SCOPES = {
    "category": say("Tax is computed on the sum of each rate."),
    "line": say("Tax is computed on each line."),
}
TAX_WITHIN = say("Prices include tax; it is taken out of them.")
REVERSE_CHARGE = say("Reverse charge: the customer owes the tax.")
"""What an invoice with category AE must say (Directive 2006/112/EC, article 226, 11a)."""
UNNAMED = {str(text): text for text in (say("Work"), say("Other work"))}
"""What the engine calls time of which nobody said what it was."""


@dataclass(frozen=True, slots=True)
class Dates:
    """When a document is issued and due, and the last day it bills."""

    issued_on: date
    due_on: date
    through: date


def seller_of(agency: Agency) -> Seller:
    """The agency as it is now."""
    logo = None
    if agency.logo_id is not None:
        logo = db.session.scalar(select(StoredFile.sha256).where(StoredFile.id == agency.logo_id))
    return Seller(
        name=agency.name,
        address=tuple(line for line in agency.address.splitlines() if line.strip()),
        tax_id=agency.tax_id or "",
        email=agency.email or "",
        iban=agency.iban or "",
        logo=logo or "",
    )


def compose(
    document: Document,
    *,
    number: str,
    dates: Dates,
    seller: Seller,
    buyer: Buyer,
    zone: str,
    paper: str,
    requesters: Mapping[int, str],
    purchase_order: str = "",
) -> DocumentContent:
    """The frozen content of an invoice, in the language of who pays.

    A `purchase_order` of all lines stands above them in place of the buyer's, and on none of them.
    """
    first_day = document.first_day or dates.through
    word = wording(buyer.language, document.currency, exponent(document.currency))
    return DocumentContent(
        kind="invoice",
        number=number,
        issue_date=dates.issued_on.isoformat(),
        due_date=dates.due_on.isoformat(),
        currency=document.currency,
        exponent=word.exponent,
        seller=seller,
        buyer=ContentBuyer(
            name=buyer.name,
            address=buyer.address,
            attention=buyer.attention,
            tax_id=buyer.tax_id,
        ),
        lines=_lines(_ordered(document, purchase_order, word), requesters, word),
        taxes=tuple(
            ContentTax(
                name=total.tax.name,
                percent=str(total.tax.percent),
                taxable_minor=total.taxable_minor,
                tax_minor=total.tax_minor,
            )
            for total in document.tax_totals
        ),
        net_minor=document.net_minor,
        tax_minor=document.tax_minor,
        gross_minor=document.payable_minor,
        rounding_minor=document.rounding_minor,
        locale=word.language,
        paper="letter" if paper == "letter" else "a4",
        period_from=min(first_day, dates.through).isoformat(),
        period_to=dates.through.isoformat(),
        zone=zone,
        purchase_order=purchase_order or buyer.purchase_order,
        payment_reference=number,
        terms=word.told(terms_in_words(buyer.terms_days)),
        notes=_notes(document, word),
        policies=tuple(map(word.told, policies_in_words(document.policy))),
        policy_names=tuple(f"{name}: {value}" for name, value in asdict(document.policy).items()),
    )


def policies_in_words(policy: Policy) -> tuple[str, ...]:
    """How the figures of a document were rounded, as printed on it."""
    said = [AMOUNTS[policy.amounts], TAX_SCOPES[policy.tax_scope]]
    if policy.prices == "inclusive":
        said.append(TAX_WITHIN)
    return tuple(said)


def terms_in_words(days: int) -> str:
    """When an invoice is to be paid."""
    if not days:
        return say("Payable at once, without deduction.")
    if days == 1:
        return say("Payable within 1 day of the invoice's date.")
    return say("Payable within %(days)s days of the invoice's date.", days=days)


def _ordered(document: Document, order: str, word: Wording) -> Document:
    """The document whose lines say in its language by which order, or not, if it says so itself."""
    if not any(line.order for line in document.lines):
        return document
    return replace(document, lines=tuple(_with_order(line, order, word) for line in document.lines))


def _with_order(line: Line, order: str, word: Wording) -> Line:
    kept = said = ordered(line.order)
    if line.order == order:
        said = ""
    elif kept and word.language != ENGLISH:
        said = word.told(say(", PO %(order)s", order=line.order))
    return replace(line, text=_ending(line.text, kept, said), was=_ending(line.was, kept, said))


def _ending(text: str, before: str, after: str) -> str:
    return text.removesuffix(before) + after if before and text.endswith(before) else text


def _lines(
    document: Document, requesters: Mapping[int, str], word: Wording
) -> tuple[ContentLine, ...]:
    """The lines as printed; neighbours about one ticket stand under its heading."""
    printed: list[ContentLine] = []
    for ticket, members in groupby(document.lines, key=lambda line: line.ticket_id):
        lines = list(members)
        asked = ""
        if ticket in requesters:
            asked = word.told(say("asked for by %(person)s", person=requesters[ticket]))
        heading = _heading(lines) if ticket is not None and len(lines) > 1 else ""
        printed += [_line(line, heading, asked, word) for line in lines]
    return tuple(printed)


def _heading(lines: Sequence[Line]) -> str:
    """The text that all lines of a ticket share; the ticket's own where some were given another."""
    texts = {line.text for line in lines}
    return texts.pop() if len(texts) == 1 else lines[0].was or lines[0].text


def _line(line: Line, heading: str, asked: str, word: Wording) -> ContentLine:
    return ContentLine(
        position=line.position,
        text=word.told(UNNAMED["Work"] if line.text == heading else _text(line)),
        net_minor=line.net_minor,
        kind=line.kind,
        group=heading,
        detail=asked,
        seconds=line.seconds if line.kind == "time" else None,
        quantity=line.quantity,
        unit=line.unit,
        price=line.rate or "",
        tax=f"{line.tax.name} {word.percent(str(line.tax.percent))}",
        note=_note(line, word),
    )


def _text(line: Line) -> str:
    """A line's own text; that of time of which nothing was said is ours."""
    return line.text if line.is_named or line.was else UNNAMED.get(line.text, line.text)


def _note(line: Line, word: Wording) -> str:
    """Why a line is not simply its time at its price."""
    said = []
    worked = sum(entry.recorded_seconds for entry in line.entries)
    if line.kind == "time" and worked != line.seconds:
        said.append(say("%(hours)s h worked, billed as agreed", hours=word.hours(worked)))
    if line.discount_minor:
        said.append(
            say(
                "%(amount)s less a discount of %(discount)s",
                amount=word.amount(line.amount_minor),
                discount=word.amount(line.discount_minor),
            )
        )
    return "; ".join(map(word.told, said))


def _discount(discount: Discount, word: Wording) -> str:
    percent = f", {word.percent(discount.percent)}" if discount.percent else ""
    return f"{discount.text}{percent}: {word.money(discount.amount_minor)}"


def _notes(document: Document, word: Wording) -> str:
    said = []
    if document.discount_minor:
        each = "; ".join(_discount(discount, word) for discount in document.discounts)
        amount = word.money(document.discount_minor)
        said.append(
            say("Taken off the lines in proportion: %(discounts)s.", discounts=each or amount)
        )
    if any(total.tax.category == "AE" for total in document.tax_totals):
        said.append(REVERSE_CHARGE)
    return " ".join(map(word.told, said))
