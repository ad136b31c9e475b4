"""One account: its entries and extra lines become a document, or the reasons why not."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import attrgetter, itemgetter
from typing import NamedTuple

import msgspec

from app.billing.engine.amounts import cash_rounding, price_line
from app.billing.engine.facts import (
    BilledEntry,
    Discount,
    Document,
    Entry,
    ExtraLine,
    Grouping,
    Line,
    LineKind,
    Names,
    Policy,
    Tax,
)
from app.billing.engine.rates import PricedRule, RateCard
from app.billing.engine.tax import assess
from app.billing.engine.timeline import Timeline
from app.core.money import plain, round_half_up, share

Billed = tuple[int, int, int, int, PricedRule, date]
GroupKey = tuple[int | str | None, int, int, int]
UnitKey = tuple[int, int, date | None]


@dataclass(frozen=True, slots=True)
class Compiled:
    """The document, and the entries it leaves out by reason (`no_rate`, `no_tax`, …)."""

    document: Document
    left_out: Mapping[str, tuple[int, ...]]


class _Draft(msgspec.Struct):
    """A line before discounts and tax."""

    kind: LineKind
    text: str
    amount: int
    tax: Tax
    seconds: int = 0
    rate: str | None = None
    entries: Sequence[Billed] = ()
    weights: Sequence[int] = ()
    ticket_id: int | None = None
    extra_id: int | None = None
    is_named: bool = True
    quantity: str = ""
    unit: str = ""
    order: str = ""


@dataclass(slots=True)
class _Sorted:
    groups: dict[GroupKey, list[Billed]] = field(default_factory=dict)
    left_out: dict[str, list[int]] = field(default_factory=dict)


def compile_account(
    entries: Iterable[Entry],
    *,
    currency: str,
    card: RateCard,
    taxes: Timeline[Tax | None],
    tax_day: date,
    policy: Policy = Policy(),  # noqa: B008 - frozen, so one default serves all
    extras: Sequence[ExtraLine] = (),
    names: Names = Names(),  # noqa: B008 - frozen, so one default serves all
) -> Compiled:
    """Compile the entries of one account into lines, taxes and totals.

    Lines are entries of one group, rate and tax; entries with nothing billable are no part of it.
    Extra lines take the tax of `tax_day`. The same facts in any order give the same document.
    """
    sorted_ = _sort(sorted(entries), card, taxes, policy.grouping)
    drafts = [
        _time_line(key, group, taxes.values[key[3]], policy, names)
        for key, group in _in_order(sorted_.groups)
    ]
    drafts += _extra_lines(extras, taxes.at(tax_day), sorted_.left_out)
    document = _document(drafts, extras, currency, policy)
    return Compiled(document, {why: tuple(ids) for why, ids in sorted_.left_out.items()})


_BILLED = attrgetter(
    *("entry_id", "recorded_seconds", "billable_seconds", "billed_seconds", "amount_minor")
)
"""Of a billed entry, its id, seconds and cents; not by which rule."""


def fingerprint(document: Document, purchase_order: str = "") -> str:
    """SHA-256 over all a document says, the order above its lines, each entry's seconds and cents.

    Which rule gave a rate is left out: an equal rule put in its place changes nothing billed.
    """
    lines = [
        (
            line.kind,
            line.text,
            line.seconds,
            line.rate,
            line.amount_minor,
            line.discount_minor,
            line.net_minor,
            line.tax_minor,
            line.tax.name,
            str(line.tax.percent),
            line.tax.category,
            [*map(_BILLED, line.entries)],
            *((line.quantity, line.unit) if line.quantity else ()),
        )
        for line in document.lines
    ]
    policy = document.policy
    totals = (document.net_minor, document.tax_minor, document.gross_minor, document.rounding_minor)
    named = (policy.amounts, policy.tax_scope, policy.prices, policy.cash_step_minor)
    everything = (document.currency, named, lines, totals, purchase_order)
    return hashlib.sha256(msgspec.json.encode(everything)).hexdigest()


def _sort(
    entries: Sequence[Entry], card: RateCard, taxes: Timeline[Tax | None], grouping: Grouping
) -> _Sorted:
    """The one loop over all entries: price each and put it into its line."""
    result = _Sorted()
    groups, find = result.groups, card.find
    units: dict[UnitKey, list[tuple[list[Billed], int]]] = {}
    which_tax = _tax_places(taxes)
    only_tax = which_tax.values[0] if len(which_tax.values) == 1 else None
    for entry in entries:
        entry_id, company, staff, work_type, ticket, project, day, recorded, billable, _, _ = entry
        if billable <= 0:
            continue
        rule = find(company, staff, work_type, day)
        tax = which_tax.at(day) if only_tax is None else only_tax
        if rule is None or tax is None:
            why = _why_left_out(entry, card) if rule is None else "no_tax"
            result.left_out.setdefault(why, []).append(entry_id)
            continue
        if grouping == "ticket":
            group: int | str | None = ticket or project
        elif grouping == "person":
            group = staff
        elif grouping == "work_type":
            group = work_type
        else:
            group = project
        key = (group, rule.price.minor, rule.price.scale, tax)
        billed = billable if rule.exact else rule.bill(billable)
        row = (entry_id, recorded, billable, billed, rule, day)
        if key in groups:
            groups[key].append(row)
        else:
            groups[key] = [row]
        if rule.is_joint and ticket is not None:
            unit = (rule.id, ticket, day if rule.rule.unit == "ticket-day" else None)
            units.setdefault(unit, []).append((groups[key], len(groups[key]) - 1))
    for members in units.values():
        _bill_together(members)
    return result


def _bill_together(members: Sequence[tuple[list[Billed], int]]) -> None:
    """Round what one unit holds once, and share it over its entries by largest remainder."""
    rows = [group[at] for group, at in members]
    billable = [row[2] for row in rows]
    parts = share(rows[0][4].bill(sum(billable)), billable)
    for (group, at), row, part in zip(members, rows, parts, strict=True):
        group[at] = (*row[:3], part, *row[4:])


def _tax_places(taxes: Timeline[Tax | None]) -> Timeline[int | None]:
    """Each tax as its first place among the values: quick to compare, equal for equal taxes."""
    places = [None if tax is None else taxes.values.index(tax) for tax in taxes.values]
    return Timeline(taxes.starts, places)


def _why_left_out(entry: Entry, card: RateCard) -> str:
    where = (entry.company_id, entry.staff_id, entry.work_type_id, entry.work_date)
    return "currency_mismatch" if card.has_other_currency(*where) else "no_rate"


def _in_order(groups: dict[GroupKey, list[Billed]]) -> list[tuple[GroupKey, list[Billed]]]:
    """Lines by the day their work began, then by their first entry."""
    by_day = itemgetter(5)
    return sorted(groups.items(), key=lambda item: (min(map(by_day, item[1])), item[1][0][0]))


def _time_line(
    key: GroupKey, group: list[Billed], tax: Tax | None, policy: Policy, names: Names
) -> _Draft:
    if tax is None:  # pragma: no cover - never, and the type checker wants to hear it
        raise ValueError("Entries without a tax are left out before they become lines.")
    rule = group[0][4]
    seconds = [row[3] for row in group]
    amount, weights = price_line(seconds, rule.price, policy.amounts)
    ticket = key[0] if policy.grouping == "ticket" and isinstance(key[0], int) else None
    return _Draft(
        kind="time",
        text=_group_text(key[0], policy.grouping, names),
        amount=amount,
        tax=tax,
        seconds=sum(seconds),
        rate=rule.rate,
        entries=group,
        weights=weights,
        ticket_id=ticket,
        is_named=bool(key[0]),
        order=names.orders.get(ticket, "") if ticket is not None else "",
    )


def _group_text(group: int | str | None, grouping: Grouping, names: Names) -> str:
    if isinstance(group, str):
        return group or "Work"
    if group is None:
        return "Other work"
    called = names.of(grouping).get(group)
    return f"{grouping.replace('_', ' ').capitalize()} {group}" if called is None else called


def _extra_lines(
    extras: Sequence[ExtraLine], default: Tax | None, left_out: dict[str, list[int]]
) -> list[_Draft]:
    drafts = []
    for extra in extras:
        if extra.kind not in {"hand", "fixed"}:
            continue
        tax = extra.tax or default
        if tax is None:
            left_out.setdefault("no_tax", [])
            continue
        kind: LineKind = "fixed" if extra.kind == "fixed" else "hand"
        draft = _Draft(kind, extra.text, extra.amount_minor, tax, extra_id=extra.id)
        draft.order = extra.order
        draft.rate, draft.quantity, draft.unit = extra.price or None, extra.quantity, extra.unit
        drafts.append(draft)
    return drafts


class Discounted(NamedTuple):
    """Minor units that discounts take: off each line, each of them, and what is left to carry."""

    lines: list[int]
    each: list[int]
    carried: int


def discounts(amounts: Sequence[int], extras: Sequence[ExtraLine]) -> Discounted:
    """What each line is reduced by, and what could not be taken and is carried.

    Discounts come off one after the other, each shared over the lines by what is left of them, by
    largest remainder. Lines below zero take no part, and no discount takes the others below it.
    """
    taken, carried = [0] * len(amounts), 0
    each: list[int] = []
    for extra in extras:
        left = [max(0, amount - off) for amount, off in zip(amounts, taken, strict=True)]
        available = max(0, min(sum(left), sum(amounts) - sum(taken)))
        wanted = _discount(extra, available)
        off = min(wanted, available)
        each.append(off)
        carried += wanted - off
        if off:
            taken = [had + more for had, more in zip(taken, share(off, left), strict=True)]
    return Discounted(taken, each, carried)


def _discount(extra: ExtraLine, available: int) -> int:
    if extra.kind == "discount_amount":
        return max(0, extra.amount_minor)
    if extra.kind == "discount_percent":
        numerator, denominator = extra.percent.as_integer_ratio()
        return max(0, round_half_up(available * numerator, 100 * denominator))
    return 0


def _document(
    drafts: Sequence[_Draft], extras: Sequence[ExtraLine], currency: str, policy: Policy
) -> Document:
    taken, each, carried = discounts([draft.amount for draft in drafts], extras)
    taxed = [(draft.amount - off, (draft.tax,)) for draft, off in zip(drafts, taken, strict=True)]
    result = assess(taxed, scope=policy.tax_scope, prices=policy.prices)
    lines = tuple(
        _line(position, *parts)
        for position, parts in enumerate(
            zip(drafts, taken, result.line_nets, result.line_taxes, strict=True), start=1
        )
    )
    gross = result.net_minor + result.tax_minor
    return Document(
        currency=currency,
        policy=policy,
        lines=lines,
        tax_totals=result.totals,
        recorded_seconds=sum(row[1] for draft in drafts for row in draft.entries),
        seconds=sum(line.seconds for line in lines),
        discount_minor=sum(taken),
        discount_carried_minor=carried,
        net_minor=result.net_minor,
        tax_minor=result.tax_minor,
        gross_minor=gross,
        rounding_minor=cash_rounding(gross, policy.cash_step_minor),
        first_day=min((row[5] for draft in drafts for row in draft.entries), default=None),
        discounts=tuple(
            Discount(extra.text, off, plain(extra.percent) if extra.percent else "")
            for extra, off in zip(extras, each, strict=True)
            if off
        ),
    )


def _line(position: int, draft: _Draft, off: int, net: int, tax: int) -> Line:
    """Share the line's net over its entries: each knows its exact cents."""
    parts = share(net, draft.weights) if draft.entries else ()
    entries = tuple(
        [
            BilledEntry(entry_id, recorded, billable, billed, rule.id, rule.rate, part)
            for (entry_id, recorded, billable, billed, rule, _), part in zip(
                draft.entries, parts, strict=True
            )
        ]
    )
    return Line(
        position=position,
        kind=draft.kind,
        text=draft.text,
        seconds=draft.seconds,
        rate=draft.rate,
        amount_minor=draft.amount,
        discount_minor=off,
        net_minor=net,
        tax_minor=tax,
        tax=draft.tax,
        entries=entries,
        ticket_id=draft.ticket_id,
        extra_id=draft.extra_id,
        is_named=draft.is_named,
        quantity=draft.quantity,
        unit=draft.unit,
        order=draft.order,
    )
