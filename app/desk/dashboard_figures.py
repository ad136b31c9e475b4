"""The charts of the dashboards: each asks its domain for sums and draws them by `reports`."""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from app.billing import queries_dashboards as money
from app.billing.engine import ageing
from app.core.formats import grouped, hours
from app.core.formats import money as digits
from app.core.money import exponent
from app.desk.dashboard_filters import Filters
from app.desk.periods import Bucket, start_of
from app.tickets import queries_dashboards as tickets
from app.timelog import queries_dashboards as times
from reports import frames
from reports.charts import Chart, difference, percent
from reports.receivables import receivables_by_age, unbilled_by_company
from reports.workload import hours_by_billability, ticket_flow

DEFINITIONS = ("hours", "tickets", "unbilled", "receivables")


@dataclass(frozen=True, slots=True)
class Kpi:
    """One figure above the charts; `chart` and `key` find the rows behind it."""

    label: str
    figure: str
    unit: str
    note: str
    chart: str
    key: str
    kind: str = ""
    currency: str = ""


def draw(name: str, filters: Filters) -> Chart:
    """Draw one chart by its name."""
    made = {
        "hours": _hours,
        "tickets": _tickets,
        "unbilled": _unbilled,
        "receivables": _receivables,
    }
    return made[name](filters)


def draw_all(filters: Filters) -> dict[str, Chart]:
    """Draw every chart, by name."""
    return {name: draw(name, filters) for name in DEFINITIONS}


def _labels(buckets: list[Bucket]) -> dict[str, str]:
    return {bucket.key: bucket.label for bucket in buckets}


def _hours(filters: Filters) -> Chart:
    buckets, period = filters.period.buckets(), filters.period
    billable: Counter[str] = Counter()
    other: Counter[str] = Counter()
    for row in times.seconds_by_day(filters.scope, period.first, period.end):
        key = _bucket_of(row.work_date, buckets)
        billable[key] += row.billable
        other[key] += row.other
    rows = [(bucket.key, billable[bucket.key], other[bucket.key]) for bucket in buckets]
    before = times.seconds_between(filters.scope, period.before.first, period.before.end)
    return hours_by_billability(frames.HOURS.frame(rows), _labels(buckets), before=before)


def _bucket_of(day: date, buckets: list[Bucket]) -> str:
    """The bar of a day; one that the database counted outside the period goes to the edge."""
    return next((each.key for each in reversed(buckets) if each.start <= day), buckets[0].key)


def _tickets(filters: Filters) -> Chart:
    buckets = filters.period.buckets()
    start = start_of(filters.period.first, filters.zone)
    end = start_of(filters.period.end, filters.zone)
    opened: Counter[str] = Counter()
    closed: Counter[str] = Counter()
    flow = tickets.flow(filters.scope, start, end, filters.zone)
    for by_bucket, by_day in ((opened, flow.opened), (closed, flow.closed)):
        for day, number in by_day.items():
            by_bucket[_bucket_of(day, buckets)] += number
    left = flow.open_before
    rows = []
    for bucket in buckets:
        left += opened[bucket.key] - closed[bucket.key]
        rows.append((bucket.key, opened[bucket.key], closed[bucket.key], left))
    return ticket_flow(frames.FLOW.frame(rows), _labels(buckets), open_before=flow.open_before)


def _unbilled(filters: Filters) -> Chart:
    rows = money.unbilled_by_company(filters.scope, filters.currency, filters.period.end)
    return unbilled_by_company(
        frames.UNBILLED.frame((str(row[0]), row[1], row[2], row[3]) for row in rows),
        currency=filters.currency,
        exponent=exponent(filters.currency),
        oldest=min((row.oldest for row in rows), default=None),
    )


def _receivables(filters: Filters) -> Chart:
    amounts: Counter[str] = Counter()
    invoices: Counter[str] = Counter()
    for row in money.owed_by_due_day(filters.scope, filters.currency):
        bucket = ageing.bucket_of(row.due_on, filters.today)
        amounts[bucket] += row.amount
        invoices[bucket] += row.invoices
    return receivables_by_age(
        frames.AGEING.frame((key, amounts[key], invoices[key]) for key in ageing.BUCKETS),
        currency=filters.currency,
        exponent=exponent(filters.currency),
    )


def kpis(filters: Filters, charts: dict[str, Chart]) -> list[Kpi]:
    """The figures above the charts, each the sum of marks below it."""
    billable, other = (_sum(charts["hours"], at) for at in (0, 1))
    backlog = charts["tickets"].series[2].marks
    opened, closed = (_sum(charts["tickets"], at) for at in (0, 1))
    left = backlog[-1].value
    unbilled, overdue = _sum(charts["unbilled"], 0), _sum(charts["receivables"], 1)
    return [
        Kpi(
            "Open tickets",
            grouped(left),
            "",
            f"{difference(left, left - opened + closed)} at the start",
            "tickets",
            backlog[-1].query,
        ),
        Kpi("Hours worked", hours(billable + other), "h", "", "hours", "bucket=all&part=all"),
        Kpi(
            "Billable share",
            percent(billable, billable + other),
            "",
            f"{hours(billable)} h billable",
            "hours",
            "bucket=all&part=billable",
        ),
        Kpi(
            "Unbilled value",
            digits(unbilled, filters.currency),
            "",
            charts["unbilled"].note,
            "unbilled",
            "company_id=all",
            "time",
            filters.currency,
        ),
        Kpi(
            "Overdue",
            digits(overdue, filters.currency),
            "",
            charts["receivables"].note,
            "receivables",
            "age=overdue",
            "bad" if overdue else "",
            filters.currency,
        ),
    ]


def _sum(chart: Chart, series: int) -> int:
    return sum(mark.value for mark in chart.series[series].marks)
