"""Accounts compiled from the facts in the database, chunk by chunk; stores nothing.

A run stores what comes out as previews, a dry run only shows it, and issue compares it with the
preview: all three go through `compile_accounts`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from operator import attrgetter
from typing import Any, NamedTuple

from msgspec import structs

from app.billing import queries
from app.billing.engine.compile import Compiled, compile_account, fingerprint
from app.billing.engine.facts import Document, Entry, ExtraLine, Names, Policy, Tax
from app.billing.engine.orders import common_order
from app.billing.engine.periods import local_date
from app.billing.engine.rates import RateCard
from app.billing.engine.tax import tax_timeline
from app.billing.engine.texts import reworded
from app.billing.engine.timeline import Timeline
from app.billing.ledger import lock_accounts
from app.billing.payers import Payers
from app.billing.queries import Account, Buyer
from app.core.db import db
from app.core.money import exponent

MOST_ACCOUNTS = 200
MOST_ENTRIES = 50_000
MOST_TOTAL = 10**12
"""What a document may come to, in major units: far above any invoice, and it fits on paper."""
MOST_KEPT = 10**18
"""What a column holds for sure, in minor units."""
WHOLE_ACCOUNT = {"zero_total", "incomplete", "too_large"}
"""Reasons that no other entries of the account can be billed beside."""
STUCK = ("left_behind", "archived")
"""Reasons that are in the way of hand-made lines, whatever else their payer is billed."""
SUMS = (
    *("recorded_seconds", "seconds", "discount_minor", "discount_carried_minor"),
    *("net_minor", "tax_minor", "gross_minor", "rounding_minor"),
)
Pair = tuple[int, str]


class Facts:
    """What holds for all accounts of a run: the tree, the rates, the taxes on the through-date."""

    def __init__(self, through: date) -> None:
        self.through = through
        self.agency = queries.agency()
        db.session.expunge(self.agency)
        self.payers: Payers = queries.payers(self.agency)
        self._paid: dict[int, set[int]] = {}
        self._rules = queries.rate_rules()
        self._taxes = queries.tax_on(self.through, queries.taxes())
        self._cards: dict[str, RateCard] = {}
        self._tax_of: dict[int, Timeline[Tax | None]] = {}

    def card(self, currency: str) -> RateCard:
        if currency not in self._cards:
            self._cards[currency] = RateCard(
                self._rules, currency=currency, parents=self.payers.parents
            )
        return self._cards[currency]

    def taxes(self, payer_id: int) -> Timeline[Tax | None]:
        """The payer's tax on the through-date: the tax point is the end of the period."""
        if payer_id not in self._tax_of:
            timeline = tax_timeline(self._taxes, payer_id, self.payers.parents)
            self._tax_of[payer_id] = Timeline([date.min], [timeline.at(self.through)])
        return self._tax_of[payer_id]

    def companies_by_payer(self) -> dict[int, set[int]]:
        """For every payer, the companies it pays for at some time."""
        if not self._paid:
            for company_id in self.payers.companies:
                for payer_id in self.payers.timeline(company_id).values:
                    if payer_id is not None:
                        self._paid.setdefault(payer_id, set()).add(company_id)
        return self._paid

    def pair(self, payer_id: int) -> Pair:
        return payer_id, self.payers.companies[payer_id].currency

    def why_stuck(self, payer_id: int, currency: str) -> str:
        """Which of `STUCK` keeps an account from being billed; empty for none."""
        if self.payers.companies[payer_id].is_archived:
            return "archived"
        return "" if self.pair(payer_id) == (payer_id, currency) else "left_behind"


@dataclass(slots=True)
class Work:
    """What waits for one payer: its companies, how many entries, and what blocks beforehand."""

    payer_id: int
    currency: str
    companies: set[int] = field(default_factory=set)
    entries: int = 0
    blocks: dict[str, int] = field(default_factory=dict)

    def block(self, reason: str, entries: int) -> None:
        self.blocks[reason] = self.blocks.get(reason, 0) + entries


class Stuck(NamedTuple):
    """An account where so many hand-made lines wait that cannot be billed, for one of `STUCK`."""

    account_id: int
    payer_id: int
    reason: str
    lines: int


@dataclass(slots=True)
class Plan:
    """All the work of a run: by account, and companies nobody pays for, with their entries.

    `stuck` are the accounts whose payer is archived, or is not billed in their currency any more.
    """

    accounts: list[Work]
    unpaid: dict[int, int]
    stuck: list[Stuck]

    def chunks(self) -> Iterator[list[Work]]:
        """Up to 200 accounts or 50,000 entries at a time, one account at least."""
        chunk: list[Work] = []
        entries = 0
        for work in self.accounts:
            if chunk and (len(chunk) == MOST_ACCOUNTS or entries + work.entries > MOST_ENTRIES):
                yield chunk
                chunk, entries = [], 0
            chunk.append(work)
            entries += work.entries
        if chunk:
            yield chunk


@dataclass(frozen=True, slots=True)
class Preview:
    """One account as it would be billed now, its hash, and why it is blocked (reason: entries).

    `extras` are the ids of the hand-made lines, discounts and texts that are in it; its days are
    those of `zone`; `ancestors` are the companies above those whose work it bills and above
    the payer, nearest first; `bill_to` is what decided that it pays for them; `marks` are those
    of its entries that have any; `requesters` says who asked for which ticket; `purchase_order`
    is the one by which the client ordered all of it, if it is one.
    """

    account: Account
    compiled: Compiled
    hash: str
    blocks: Mapping[str, int]
    extras: tuple[int, ...]
    buyer: Buyer
    zone: str
    ancestors: Mapping[int, list[int]]
    bill_to: Mapping[int, list[list[Any]] | None]
    marks: Mapping[int, int]
    requesters: Mapping[int, str]
    purchase_order: str

    @property
    def entries(self) -> int:
        return sum(len(line.entries) for line in self.compiled.document.lines)

    def is_ready(self, *, leave_blocked: bool) -> bool:
        if not self.compiled.document.lines or self.blocks.keys() & WHOLE_ACCOUNT:
            return False
        return leave_blocked or not self.blocks


def plan(facts: Facts, *, company_id: int | None = None) -> Plan:
    """Find out who has something to bill: entries, hand-made lines, or something in the way."""
    through, payers = facts.through, facts.payers
    wanted = _payers_around(facts, company_id)
    companies = None if wanted is None else _companies_of(facts, wanted)
    work: dict[int, Work] = {}

    def work_of(payer_id: int) -> Work:
        return work.setdefault(payer_id, Work(*facts.pair(payer_id)))

    gaps = set()
    for row in queries.waiting(through, companies, days=payers.days):
        for payer_id in payers.between(row.company_id, row.first, row.last):
            if payer_id is None:
                gaps.add(row.company_id)
            else:
                work_of(payer_id).companies.add(row.company_id)
                work_of(payer_id).entries += row.entries
    for reason, company, day, entries in _in_the_way(facts, companies):
        payer_id = payers.of(company, day)
        if payer_id is not None:
            work_of(payer_id).block(reason, entries)
    stuck = []
    for account_id, payer_id, currency, lines in queries.accounts_with_extras():
        reason = facts.why_stuck(payer_id, currency)
        if not reason:
            work_of(payer_id)
        elif wanted is None or payer_id in wanted:
            stuck.append(Stuck(account_id, payer_id, reason, lines))
    accounts = [work[key] for key in sorted(work) if wanted is None or key in wanted]
    return Plan(accounts, unpaid(facts, gaps), stuck)


def unpaid(facts: Facts, companies: Collection[int]) -> dict[int, int]:
    """How many entries of each company fall on days when nobody pays."""
    found: dict[int, int] = {}
    days = facts.payers.days
    for company, day, entries in queries.unbilled_by_day(facts.through, companies, days=days):
        if facts.payers.of(company, day) is None:
            found[company] = found.get(company, 0) + entries
    return found


def _in_the_way(
    facts: Facts, companies: Collection[int] | None
) -> Iterator[tuple[str, int, date, int]]:
    """Work that is not ready to be billed: (reason, company, its own day, entries)."""
    payers = facts.payers
    for company, day, entries in queries.unapproved(facts.through, companies, days=payers.days):
        yield "unapproved", company, day, entries
    for company, since in queries.running_timers(facts.through):
        day = local_date(since, payers.companies[company].zone)
        if payers.day_of(company, day, since) <= facts.through and (
            companies is None or company in companies
        ):
            yield "running", company, day, 1


def _payers_around(facts: Facts, company_id: int | None) -> set[int] | None:
    """The payers a company's own bills go to, or None for everybody."""
    if company_id is None:
        return None
    found = set(facts.payers.timeline(company_id).values)
    return {payer for payer in found if payer is not None} | {company_id}


def _companies_of(facts: Facts, wanted: set[int]) -> set[int]:
    payers = facts.payers
    return {
        company
        for company in payers.companies
        if company in wanted or wanted.intersection(payers.timeline(company).values)
    }


def compile_accounts(
    facts: Facts, chunk: Sequence[Work], *, lock: bool = False
) -> Iterator[Preview]:
    """Read what a chunk of accounts needs in a constant number of statements, then compile each.

    All is read before this returns, so that previews can be stored while the next is compiled.
    With `lock` the entries, the accounts and what was added to these by hand are held until the
    commit, in this order, each by order of their ids.
    """
    accounts = queries.accounts([(work.payer_id, work.currency) for work in chunk])
    policies = [account.policy for account in accounts.values()]
    companies = {company for work in chunk for company in work.companies}
    entries = queries.unbilled_entries(
        facts.through,
        companies,
        days=facts.payers.days,
        with_projects=any(policy.grouping == "project" for policy in policies),
        lock=lock,
    )
    by_payer = _by_payer(facts, entries, {work.payer_id for work in chunk})
    made = {account.id: account.currency for account in accounts.values() if account.id}
    if lock:
        lock_accounts(made)
    extras = queries.extra_lines(made, made, lock=lock)
    buyers = queries.buyers(by_payer, facts.agency)
    names = queries.names({entry.ticket_id for entry in entries if entry.ticket_id})
    return (_preview(facts, work, accounts, by_payer, extras, names, buyers) for work in chunk)


def _preview(
    facts: Facts,
    work: Work,
    accounts: Mapping[Pair, Account],
    by_payer: Mapping[int, list[Entry]],
    extras: Mapping[int, list[ExtraLine]],
    names: Names,
    buyers: Mapping[int, Buyer],
) -> Preview:
    account = accounts[work.payer_id, work.currency]
    own = by_payer[work.payer_id]
    added = extras.get(account.id or 0, ())
    compiled = compile_account(
        own,
        currency=work.currency,
        card=facts.card(work.currency),
        taxes=facts.taxes(work.payer_id),
        tax_day=facts.through,
        policy=account.policy,
        extras=added,
        names=names,
    )
    document, texts = reworded(compiled.document, added)
    largest = _largest(document)
    if largest > MOST_KEPT:
        document = _without_lines(document)
    compiled = replace(compiled, document=document)
    buyer = buyers[work.payer_id]
    companies = frozenset(entry.company_id for entry in own)
    order = _order(document, own, added, names, buyer)
    return Preview(
        account=account,
        compiled=compiled,
        hash=fingerprint(document, order),
        blocks=_blocks(facts, work, compiled, buyer, largest),
        extras=tuple(
            line.id for line in added if line.id and (line.kind != "text" or line.id in texts)
        ),
        buyer=buyer,
        zone=facts.payers.companies[work.payer_id].zone,
        ancestors=_tree(facts.payers, work.payer_id, companies),
        bill_to=facts.payers.deciding(companies),
        marks={entry.id: entry.marks for entry in own if entry.marks},
        requesters=names.requesters,
        purchase_order=order,
    )


def _order(
    document: Document,
    own: Sequence[Entry],
    added: Sequence[ExtraLine],
    names: Names,
    buyer: Buyer,
) -> str:
    """The order of all lines; whoever pays for others and has one of its own keeps its own."""
    order = common_order(document, own, added, names.orders)
    companies = {entry.company_id for entry in own} | {extra.company_id for extra in added}
    pays_for_others = bool(companies - {buyer.id, None})
    return "" if buyer.purchase_order and pays_for_others else order


def _tree(payers: Payers, payer_id: int, companies: frozenset[int]) -> dict[int, list[int]]:
    """The companies above those worked for, and above the payer: it is named even without any."""
    return {payer_id: []} | payers.ancestors(companies | {payer_id})


def _largest(document: Document) -> int:
    """The largest amount that a document holds, of its lines and totals, on either side of 0."""
    totals = (document.net_minor, document.tax_minor, document.payable_minor)
    return max(map(abs, (*totals, *(line.amount_minor for line in document.lines))))


def _without_lines(document: Document) -> Document:
    """A document that no column could hold, as one that bills nothing."""
    return structs.replace(document, lines=(), tax_totals=(), **dict.fromkeys(SUMS, 0))


def _blocks(
    facts: Facts, work: Work, compiled: Compiled, buyer: Buyer, largest: int
) -> dict[str, int]:
    """Everything that is in the way of an account, with how many entries each concerns."""
    document = compiled.document
    entries = sum(len(line.entries) for line in document.lines)
    blocks = dict(work.blocks)
    blocks |= {reason: len(left_out) for reason, left_out in compiled.left_out.items()}
    if largest > MOST_TOTAL * 10 ** exponent(work.currency):
        blocks["too_large"] = work.entries
    elif document.lines and (document.payable_minor <= 0 or document.discount_carried_minor):
        # issuing it would use up the rest of a discount, where rounded tax is left over
        blocks["zero_total"] = entries
    if document.lines and buyer.missing and facts.agency.incomplete_payer == "block":
        blocks["incomplete"] = entries
    return blocks


def _by_payer(facts: Facts, entries: Sequence[Entry], wanted: set[int]) -> dict[int, list[Entry]]:
    """Entries by who pays for them on their own day; those of payers not wanted are left out."""
    found: dict[int, list[Entry]] = {payer_id: [] for payer_id in wanted}
    always: dict[int, int | None] = {}
    for company in {entry.company_id for entry in entries}:
        timeline = facts.payers.timeline(company)
        if len(timeline.values) == 1:
            always[company] = timeline.values[0]
    for entry in entries:
        company = entry.company_id
        own_day = entry.own_date or entry.work_date
        payer = always[company] if company in always else facts.payers.of(company, own_day)
        if payer in found:
            found[payer].append(entry)
    return found


def stored_policy(policy: Policy) -> dict[str, Any]:
    """The named rounding rules as JSON, for run rows and documents alike."""
    return {
        "amounts": policy.amounts,
        "tax_scope": policy.tax_scope,
        "prices": policy.prices,
        "cash_step_minor": policy.cash_step_minor,
        "grouping": policy.grouping,
    }


_STORED = attrgetter("entry_id", "billed_seconds", "amount_minor")


def stored(preview: Preview) -> dict[str, Any]:
    """What a run keeps of a preview as JSON: enough to show it and to say what changed since."""
    document = preview.compiled.document
    return {
        "policy": stored_policy(document.policy),
        "lines": [
            {
                "position": line.position,
                "kind": line.kind,
                "text": line.text,
                "ticket_id": line.ticket_id,
                "seconds": line.seconds,
                "rate": line.rate,
                "amount_minor": line.amount_minor,
                "discount_minor": line.discount_minor,
                "net_minor": line.net_minor,
                "tax_minor": line.tax_minor,
                "tax": [line.tax.name, str(line.tax.percent), line.tax.category],
                "entries": [*map(_STORED, line.entries)],
            }
            | ({"quantity": line.quantity, "unit": line.unit} if line.quantity else {})
            for line in document.lines
        ],
        "taxes": [
            {
                "name": total.tax.name,
                "percent": str(total.tax.percent),
                "category": total.tax.category,
                "taxable_minor": total.taxable_minor,
                "tax_minor": total.tax_minor,
            }
            for total in document.tax_totals
        ],
        "discount_minor": document.discount_minor,
        "discount_carried_minor": document.discount_carried_minor,
        "rounding_minor": document.rounding_minor,
        "first_day": document.first_day.isoformat() if document.first_day else None,
        "purchase_order": preview.purchase_order,
    }
