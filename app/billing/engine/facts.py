"""What the engine is told and what it answers: plain facts, no tables.

Times are whole seconds, money whole minor units, percentages and rates `Decimal`. Entries and
explanations are named tuples and structs, because a month has a hundred thousand of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from msgspec import Struct

Rounding = Literal["exact", "up", "nearest", "down"]
Unit = Literal["entry", "ticket", "ticket-day"]
Amounts = Literal["line-once", "entry-once", "entry-4dp", "hours-2dp"]
TaxScope = Literal["category", "line"]
Prices = Literal["exclusive", "inclusive"]
Grouping = Literal["ticket", "person", "work_type", "project"]
ExtraKind = Literal["hand", "fixed", "discount_amount", "discount_percent", "text"]
LineKind = Literal["time", "hand", "fixed"]


class Entry(NamedTuple):
    """One time entry. `project` is its project, or its description when it has none.

    `work_date` is its day in the account's zone. `own_date`, where its company is, decides who pays
    and nothing else; `marks` say why somebody should look at it, and decide nothing.
    """

    id: int
    company_id: int
    staff_id: int
    work_type_id: int | None
    ticket_id: int | None
    project: str
    work_date: date
    recorded_seconds: int
    billable_seconds: int
    own_date: date | None = None
    marks: int = 0


@dataclass(frozen=True, slots=True)
class RateRule:
    """A price for an hour, for those its dimensions name (None: everyone), in [from, to).

    Minimum and increment act on each `unit`: an entry, or all time of a ticket (on one day) that
    one document bills by this rule.
    """

    id: int
    rate: Decimal
    currency: str
    company_id: int | None = None
    work_type_id: int | None = None
    staff_id: int | None = None
    minimum_seconds: int = 0
    increment_seconds: int = 0
    rounding: Rounding = "exact"
    unit: Unit = "entry"
    valid_from: date | None = None
    valid_to: date | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Tax:
    """A tax by name, percentage and EN 16931 category (S, Z, E, AE, K, G, O)."""

    name: str
    percent: Decimal
    category: str = "S"


@dataclass(frozen=True, slots=True)
class TaxRule:
    """From `valid_from` on, the tax of a company (None: of all that have none of their own)."""

    id: int
    tax: Tax
    company_id: int | None = None
    valid_from: date | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The named rounding rules of an account; they are printed on its documents."""

    amounts: Amounts = "line-once"
    tax_scope: TaxScope = "category"
    prices: Prices = "exclusive"
    cash_step_minor: int = 0
    grouping: Grouping = "ticket"


class LineKey(NamedTuple):
    """What a line is known by when it is compiled again: its own text, its price and its tax."""

    text: str
    price: str
    tax: str


@dataclass(frozen=True, slots=True)
class ExtraLine:
    """A line that no entry stands behind, a discount on all lines, or another text for a line.

    `amount_minor` is a line's amount or a discount's (positive takes off); `percent` is for
    discounts in per cent; `of` says which line a text is for, `order` by which purchase order of
    the client a line was ordered, `company_id` for whom. Lines without a tax of their own take the
    account's. Of what is counted, `quantity` and the `price` of each are decimal strings.
    """

    kind: ExtraKind
    text: str
    amount_minor: int = 0
    percent: Decimal = Decimal(0)
    tax: Tax | None = None
    id: int | None = None
    of: LineKey | None = None
    order: str = ""
    company_id: int | None = None
    quantity: str = ""
    unit: str = ""
    price: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """How tickets, people and work types are called on a document, and who asked for a ticket.

    `orders` are the purchase orders of those tickets that have one.
    """

    tickets: Mapping[int, str] = field(default_factory=dict)
    staff: Mapping[int, str] = field(default_factory=dict)
    work_types: Mapping[int, str] = field(default_factory=dict)
    requesters: Mapping[int, str] = field(default_factory=dict)
    orders: Mapping[int, str] = field(default_factory=dict)

    def of(self, grouping: Grouping) -> Mapping[int, str]:
        """What lines of a grouping are called; projects are names themselves."""
        if grouping == "ticket":
            return self.tickets
        if grouping == "person":
            return self.staff
        return self.work_types if grouping == "work_type" else {}


class BilledEntry(Struct, frozen=True, gc=False):
    """Why an entry costs what it costs: its times, the rule that won, its share of the line."""

    entry_id: int
    recorded_seconds: int
    billable_seconds: int
    billed_seconds: int
    rate_rule_id: int
    rate: str
    amount_minor: int


class Line(Struct, frozen=True):
    """One line: `amount` as priced, less `discount`, is `net`, with tax beside or taken out.

    `ticket_id` is set where lines are grouped by ticket; `was` is the text that was compiled, where
    somebody gave another. `is_named` tells whose text it is: the agency's, or ours for want of one.
    `rate` is the price of an hour, or of each where there is a `quantity`; `order` is the client's
    purchase order that stands at the end of the text.
    """

    position: int
    kind: LineKind
    text: str
    seconds: int
    rate: str | None
    amount_minor: int
    discount_minor: int
    net_minor: int
    tax_minor: int
    tax: Tax
    entries: tuple[BilledEntry, ...] = ()
    ticket_id: int | None = None
    extra_id: int | None = None
    was: str = ""
    is_named: bool = True
    quantity: str = ""
    unit: str = ""
    order: str = ""


class Discount(Struct, frozen=True):
    """What one discount took off all lines together, and how it was called.

    `percent` is a decimal string, empty for a discount of an amount.
    """

    text: str
    amount_minor: int
    percent: str = ""


class TaxTotal(Struct, frozen=True):
    tax: Tax
    taxable_minor: int
    tax_minor: int


class Document(Struct, frozen=True):
    """A compiled account: everything an invoice says, before it has a number.

    `first_day` is the day of the earliest work on it; of a document compiled before they were kept
    there are no `discounts`.
    """

    currency: str
    policy: Policy
    lines: tuple[Line, ...]
    tax_totals: tuple[TaxTotal, ...]
    recorded_seconds: int
    seconds: int
    discount_minor: int
    discount_carried_minor: int
    net_minor: int
    tax_minor: int
    gross_minor: int
    rounding_minor: int
    first_day: date | None = None
    discounts: tuple[Discount, ...] = ()

    @property
    def payable_minor(self) -> int:
        """What is asked for: the gross, and its cash rounding line."""
        return self.gross_minor + self.rounding_minor
