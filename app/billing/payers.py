"""Who pays for a company on a day: pure, from the tree and the dated bill-to rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.billing.engine.timeline import Timeline

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


class Payers:
    """The payer of every company on every day.

    A company with dated rows is paid as they say, and by nobody in their gaps. Without any, a
    company pays for itself; a department or site is paid as its parent is. Nobody pays when the
    payer is archived.
    """

    def __init__(self, companies: Mapping[int, CompanyFacts], rows: Sequence[BillToRow]) -> None:
        self.companies = companies
        self.parents: dict[int, int | None] = {c.id: c.parent_id for c in companies.values()}
        self._rows: dict[int, list[BillToRow]] = {}
        for row in rows:
            self._rows.setdefault(row.company_id, []).append(row)
        self._known: dict[int, Timeline[int | None]] = {}

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
