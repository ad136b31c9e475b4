"""The proof of lines and taxes: what discounts and taxes make of what each line comes to.

A computation of its own, in exact fractions: nothing here uses the engine. What the lines come to
before discounts is proved from their entries by `proof_sql`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Any

from sqlalchemy import Row, Select, select

from app.billing.models import Document, DocumentLine, DocumentTax, ExtraLine
from app.billing.proof_words import money
from app.core.db import db
from app.core.money import EXPONENTS, plain

HALF = Fraction(1, 2)
HUNDRED = 100
TaxKey = tuple[str, str, Decimal]


@dataclass(slots=True)
class Sheet:
    """A document with its lines by position, its taxes, and what was added to it by hand."""

    number: str
    kind: str
    currency: str
    policy: dict[str, str]
    lines: list[Row[Any]] = field(default_factory=list)
    taxes: dict[TaxKey, tuple[int, int]] = field(default_factory=dict)
    extras: list[Row[Any]] = field(default_factory=list)

    def of(self, name: str) -> list[int]:
        """A figure of every line as it was kept at issue, in minor units."""
        return [int(line.explanation[name]) for line in self.lines]


def line_faults() -> Iterator[str]:
    """Nets, hand-made amounts and each line's share of the discounts."""
    for sheet in _sheets():
        yield from _added(sheet)
        yield from _discounted(sheet)
        yield from _nets(sheet)


def tax_faults() -> Iterator[str]:
    """What each tax is taken on, what it comes to, and each line's share of it."""
    for sheet in _sheets():
        yield from _taxed(sheet)


def _sheets() -> Iterator[Sheet]:
    """Every document whose lines keep how they came about, some at a time."""
    ids = db.session.scalars(select(Document.id).order_by(Document.id)).all()
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        sheets = {row.id: Sheet(*row[1:]) for row in db.session.execute(_heads(some))}
        for line in db.session.execute(_rows(DocumentLine, some, DocumentLine.position)):
            sheets[line.document_id].lines.append(line)
        for tax in db.session.execute(_rows(DocumentTax, some, DocumentTax.id)):
            key = (tax.name, tax.category, tax.percent)
            sheets[tax.document_id].taxes[key] = (tax.taxable_minor, tax.tax_minor)
        for extra in db.session.execute(_rows(ExtraLine, some, ExtraLine.id)):
            sheets[extra.document_id].extras.append(extra)
        for sheet in sheets.values():
            if all("amount_minor" in line.explanation for line in sheet.lines):
                yield sheet


def _heads(ids: Sequence[int]) -> Select[Any]:
    query = select(Document.id, Document.number, Document.kind, Document.currency, Document.policy)
    return query.where(Document.id.in_(ids))


def _rows(model: Any, ids: Sequence[int], order: Any) -> Select[Any]:
    return select(*model.__table__.columns).where(model.document_id.in_(ids)).order_by(order)


def _added(sheet: Sheet) -> Iterator[str]:
    """A hand-made line is its quantity times its price."""
    if sheet.kind != "invoice":
        return  # a credit note repeats the invoice; the check "credit notes" holds it to that
    added = [extra for extra in sheet.extras if extra.kind in {"hand", "fixed"}]
    lines = [line for line in sheet.lines if line.kind in {"hand", "fixed"}]
    if len(added) != len(lines):
        yield f"document {sheet.number} has {len(lines)} hand-made lines, {len(added)} were added"
        return
    for extra, line in zip(added, lines, strict=True):
        wanted = rounded(
            Fraction(extra.quantity) * Fraction(extra.unit_price or 0) * _unit(sheet.currency)
        )
        if line.explanation["amount_minor"] != wanted:
            yield (
                f"line {line.position} of document {sheet.number} comes to"
                f" {money(sheet.currency, line.explanation['amount_minor'])}, its quantity times"
                f" its price makes {money(sheet.currency, wanted)}"
            )
        if line.quantity is not None and _times(line) != _times(extra):
            yield (
                f"line {line.position} of document {sheet.number} says {_times(line)},"
                f" {_times(extra)} were added"
            )


def _times(row: Row[Any]) -> str:
    return f"{plain(row.quantity)} at {plain(row.unit_price or Decimal(0))}"


def _discounted(sheet: Sheet) -> Iterator[str]:
    """Discounts come off one by one, shared over the lines by what is left of each."""
    if sheet.kind != "invoice":
        return
    amounts = sheet.of("amount_minor")
    taken = [0] * len(amounts)
    for extra in sheet.extras:
        left = [max(0, amount - off) for amount, off in zip(amounts, taken, strict=True)]
        most = max(0, min(sum(left), sum(amounts) - sum(taken)))
        off = min(_discount(extra, most, sheet.currency), most)
        taken = [a + b for a, b in zip(taken, _shares(off, left), strict=True)]
    for line, off, kept in zip(sheet.lines, taken, sheet.of("discount_minor"), strict=True):
        if off != kept:
            yield (
                f"line {line.position} of document {sheet.number} is reduced by"
                f" {money(sheet.currency, kept)}, its share of the discounts is"
                f" {money(sheet.currency, off)}"
            )


def _discount(extra: Row[Any], most: int, currency: str) -> int:
    if extra.kind == "discount_percent":
        return max(0, rounded(Fraction(most) * Fraction(extra.percent or 0) / HUNDRED))
    if extra.kind == "discount_amount":
        amount = Fraction(extra.quantity) * Fraction(extra.unit_price or 0) * _unit(currency)
        return max(0, rounded(amount))
    return 0


def _nets(sheet: Sheet) -> Iterator[str]:
    inclusive = sheet.policy.get("prices") == "inclusive"
    figures = zip(
        sheet.lines,
        sheet.of("amount_minor"),
        sheet.of("discount_minor"),
        sheet.of("tax_minor"),
        strict=True,
    )
    for line, amount, off, tax in figures:
        if line.net_minor != amount - off - (tax if inclusive else 0):
            yield (
                f"line {line.position} of document {sheet.number} has net"
                f" {money(sheet.currency, line.net_minor)},"
                " not its amount less discount and tax taken out"
            )


def _taxed(sheet: Sheet) -> Iterator[str]:
    inclusive = sheet.policy.get("prices") == "inclusive"
    derived: dict[TaxKey, tuple[int, int]] = {}
    for key, members in groupby(sorted(sheet.lines, key=_tax_key), key=_tax_key):
        lines = list(members)
        amounts = [
            line.explanation["amount_minor"] - line.explanation["discount_minor"] for line in lines
        ]
        percent = Fraction(key[2])
        part = percent / (HUNDRED + percent) if inclusive else percent / HUNDRED
        if sheet.policy.get("tax_scope") == "line":
            taxes = [rounded(amount * part) for amount in amounts]
        else:
            taxes = _shares(rounded(sum(amounts) * part), amounts)
        whole = sum(taxes)
        derived[key] = (sum(amounts) - (whole if inclusive else 0), whole)
        yield from _shared(sheet, lines, taxes)
    for key in sorted({*derived, *sheet.taxes}):
        has, wanted = sheet.taxes.get(key), derived.get(key)
        if has != wanted:
            yield (
                f"document {sheet.number} has {_told(has, sheet.currency)} of {key[0]};"
                f" it should be {_told(wanted, sheet.currency)}"
            )


def _tax_key(line: Row[Any]) -> TaxKey:
    return line.tax_name, line.tax_category, line.tax_percent


def _shared(sheet: Sheet, lines: Iterable[Row[Any]], taxes: Iterable[int]) -> Iterator[str]:
    for line, tax in zip(lines, taxes, strict=True):
        if line.explanation["tax_minor"] != tax:
            yield (
                f"line {line.position} of document {sheet.number} bears"
                f" {money(sheet.currency, line.explanation['tax_minor'])} of tax, its share is"
                f" {money(sheet.currency, tax)}"
            )


def _told(figures: tuple[int, int] | None, currency: str) -> str:
    if figures is None:
        return "none"
    return f"{money(currency, figures[1])} on {money(currency, figures[0])}"


def _unit(currency: str) -> int:
    return int(10 ** EXPONENTS[currency])


def rounded(exact: Fraction) -> int:
    """Half away from zero."""
    whole = int(abs(exact) + HALF)
    return whole if exact >= 0 else -whole


def _shares(total: int, weights: Sequence[int]) -> list[int]:
    """Each one's exact part cut down, and the largest fractions, the first of equals, one more."""
    whole = sum(weights)
    if not total:
        return [0] * len(weights)
    weights = weights if whole else [1] * len(weights)
    exact = [Fraction(abs(total) * weight, abs(sum(weights))) for weight in weights]
    exact = [-part for part in exact] if sum(weights) < 0 else exact
    parts = [part.numerator // part.denominator for part in exact]
    rest = [part - cut for part, cut in zip(exact, parts, strict=True)]
    first = sorted(range(len(rest)), key=lambda index: (-rest[index], index))
    for index in first[: abs(total) - sum(parts)]:
        parts[index] += 1
    return [-part for part in parts] if total < 0 else parts
