"""Who pays for a company on a day, and which day that is: pure, from tree and bill-to rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.billing.engine.periods import local_date
from app.billing.engine.timeline import Timeline, chain_of

PAID_BY_PARENT = {"department", "site"}


@dataclass(frozen=True, slots=True)
class CompanyFacts:
    """What billing needs to know of every company.

    Currency and zone are already the agency's where the company has none of its own.
    """

    id: int
    name: str
    parent_id: int | None
    kind: str
    currency: str
    zone: str
    is_archived: bool


@dataclass(frozen=True, slots=True)
class BillToRow:
    """From `start` until `end` (half-open, None: open) this company's bills go to the payer."""

    company_id: int
    payer_id: int
    start: date | None
    end: date | None


@dataclass(frozen=True, slots=True)
class ZoneSpan:
    """In [start, end) of a company's own days its time is dated in the zone of its payer."""

    company_id: int
    start: date
    end: date
    zone: str


class AccountDays:
    """Dates time by the clock of the account it is billed to, in statements of the database.

    `JOIN` and `DAY` belong into a statement over `time_entry e`, with `values` bound to it. Time
    without a begin keeps the day it was told.
    """

    JOIN = """
        left join unnest(%(zoned)s::bigint[], %(zone_from)s::date[], %(zone_until)s::date[],
                         %(zones)s::text[]) as z (company_id, from_day, until_day, zone)
          on z.company_id = e.company_id
         and e.work_date >= z.from_day and e.work_date < z.until_day"""
    DAY = "coalesce((e.started_at at time zone coalesce(z.zone, %(zone)s))::date, e.work_date)"

    def __init__(self, zone: str, spans: Sequence[ZoneSpan]) -> None:
        self._zone, self._spans = zone, spans

    def values(self, company_ids: Collection[int] | None = None) -> dict[str, Any]:
        """What the statement needs to know about some companies, or about all."""
        spans = self._spans
        if company_ids is not None:
            spans = [span for span in spans if span.company_id in company_ids]
        return {
            "zone": self._zone,
            "zoned": [span.company_id for span in spans],
            "zone_from": [span.start for span in spans],
            "zone_until": [span.end for span in spans],
            "zones": [span.zone for span in spans],
        }


class Payers:
    """The payer of every company on every day, and by whose clock its time is dated.

    A company with dated rows is paid as they say, and by nobody in their gaps. Without any, a
    company pays for itself; a department or site is paid as its parent is. Nobody pays when the
    payer is archived. The days of the rows are the company's own; the zone of time is its payer's
    (docs/decisions/0011). `zone` is the agency's.
    """

    def __init__(
        self, companies: Mapping[int, CompanyFacts], rows: Sequence[BillToRow], *, zone: str
    ) -> None:
        self.companies, self.zone = companies, zone
        self.parents: dict[int, int | None] = {c.id: c.parent_id for c in companies.values()}
        self._rows: dict[int, list[BillToRow]] = {}
        for row in rows:
            self._rows.setdefault(row.company_id, []).append(row)
        self._known: dict[int, Timeline[int | None]] = {}
        self._days: AccountDays | None = None

    def of(self, company_id: int, day: date) -> int | None:
        return self.timeline(company_id).at(day)

    def timeline(self, company_id: int) -> Timeline[int | None]:
        """The payers of a company over time; None where nobody pays."""
        known = self._known.get(company_id)
        if known is None:
            owner = self._owner(company_id)
            rows = sorted(self._rows.get(owner, ()), key=lambda row: row.start or date.min)
            starts, values = self._spans(owner, rows)
            known = self._known[company_id] = Timeline(starts, values)
        return known

    def between(self, company_id: int, first: date, last: date) -> set[int | None]:
        """Everybody who pays for a company on some day of [first, last]."""
        timeline = self.timeline(company_id)
        ends = [*timeline.starts[1:], date.max]
        spans = zip(timeline.starts, ends, timeline.values, strict=True)
        return {payer for start, end, payer in spans if start <= last and first < end}

    def named(self, company_id: int) -> set[int]:
        """Everybody who should pay for a company at some time, archived or not."""
        owner = self._owner(company_id)
        return {row.payer_id for row in self._rows.get(owner, ())} or {owner}

    def named_for(self, payer_id: int) -> set[int]:
        """The companies that a payer should pay for at some time, archived or not, and itself."""
        return {payer_id} | {c for c in self.companies if payer_id in self.named(c)}

    def zone_of(self, company_id: int, own_day: date) -> str:
        """The zone of the account that pays for a company on a day of its own; else its own."""
        return self.companies[self.of(company_id, own_day) or company_id].zone

    def day_of(self, company_id: int, own_day: date, started_at: datetime | None) -> date:
        """The day of time in its account, which decides its period and its rate."""
        if started_at is None:
            return own_day
        return local_date(started_at, self.zone_of(company_id, own_day))

    def ancestors(self, company_ids: Collection[int]) -> dict[int, list[int]]:
        """The companies above some, nearest first; those that stand alone are left out."""
        return {
            company: list(chain_of(company, self.parents))[1:]
            for company in sorted(company_ids)
            if self.parents[company] is not None
        }

    def deciding(self, company_ids: Collection[int]) -> dict[int, list[list[Any]] | None]:
        """What decides who pays for some companies, as plain values that a document can keep.

        Dated rows [from, until, payer] where there are any; None for a company that is paid as the
        one above, which is then noted as well. A company that pays for itself is left out.
        """
        found: dict[int, list[list[Any]] | None] = {}
        for company_id in sorted(company_ids):
            owner = self._owner(company_id)
            for passed in chain_of(company_id, self.parents):
                if passed == owner:
                    break
                found[passed] = None
            if rows := self._rows.get(owner):
                found[owner] = [[_iso(row.start), _iso(row.end), row.payer_id] for row in rows]
        return found

    @property
    def days(self) -> AccountDays:
        """The same for the database; only companies dated elsewhere than at the agency count."""
        if self._days is None:
            elsewhere = any(company.zone != self.zone for company in self.companies.values())
            companies = self.companies if elsewhere else ()
            spans = [span for company in companies for span in self._zone_spans(company)]
            self._days = AccountDays(self.zone, spans)
        return self._days

    def _zone_spans(self, company_id: int) -> list[ZoneSpan]:
        timeline = self.timeline(company_id)
        ends = [*timeline.starts[1:], date.max]
        spans = (
            ZoneSpan(company_id, start, end, self.companies[payer or company_id].zone)
            for start, end, payer in zip(timeline.starts, ends, timeline.values, strict=True)
        )
        return [span for span in spans if span.zone != self.zone]

    def _owner(self, company_id: int) -> int:
        """The company whose rows count: itself, or for departments and sites the one above."""
        company = self.companies[company_id]
        above = company.parent_id
        if company_id in self._rows or company.kind not in PAID_BY_PARENT or above is None:
            return company_id
        return self._owner(above)

    def _spans(self, owner: int, rows: Sequence[BillToRow]) -> tuple[list[date], list[int | None]]:
        if not rows:
            return [date.min], [self._alive(owner)]
        starts: list[date] = [date.min]
        values: list[int | None] = [None]
        for row in rows:
            starts += [row.start or date.min, row.end or date.max]
            values += [self._alive(row.payer_id), None]
        return starts, values

    def _alive(self, payer_id: int) -> int | None:
        return None if self.companies[payer_id].is_archived else payer_id


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
