"""Money: what waits to be billed, by company; what is owed, by age."""

from datetime import date

from app.core.formats import amount as written
from app.core.formats import day
from reports.charts import Chart, Mark, Series, counted, distinct, percent, shortened
from reports.frames import AGEING, UNBILLED, Frame, validate

REST = "rest"
TOP = 10
AGES = {
    "current": "Not due",
    "1-30": "1–30",
    "31-60": "31–60",
    "61-90": "61–90",
    "91+": "Over 90",
}


def unbilled_by_company(
    frame: Frame,
    *,
    currency: str,
    exponent: int,
    oldest: date | None = None,
    top: int = TOP,
) -> Chart:
    """Horizontal bars of the largest companies and one for all others.

    Amounts are minor units of `currency`, each entry priced alone; `oldest` is the first day on
    which unbilled work was done.
    """
    ranked = largest_first(frame)
    first, others = ranked.head(top), ranked.iloc[top:]
    names = [shortened(name) for name in first["name"]]
    keys = [{"company_id": str(company)} for company in first["company"]]
    amounts = [int(amount) for amount in first["amount"]]
    if len(others):
        names.append(counted(len(others), "other company", "other companies"))
        keys.append({"company_id": REST})
        amounts.append(int(others["amount"].sum()))
    marks = tuple(
        Mark(amount, written(amount, currency), key)
        for amount, key in zip(amounts, keys, strict=True)
    )
    total, entries = sum(amounts), int(ranked["entries"].sum())
    return Chart(
        name="unbilled",
        title="Unbilled value by company",
        unit=f"{currency}, priced alone",
        takeaway=_waiting(total, entries, first, currency),
        definition="Billable entries on no invoice at the end of the period, however old, each "
        "priced alone by the rate rule in force. An invoice rounds and groups them, so its total "
        "may differ.",
        labels=tuple(distinct(names)),
        series=(Series("Unbilled", "waiting", marks),),
        scale=10**exponent,
        horizontal=True,
        label_title="Company",
        note=f"oldest of {day(oldest)}" if oldest else "nothing waits",
    )


def largest_first(frame: Frame) -> Frame:
    """Rank companies by amount; the first are drawn, and the rest is found by this too."""
    return validate(frame, UNBILLED).sort_values(
        ["amount", "name", "company"], ascending=[False, True, True], kind="stable"
    )


def _waiting(total: int, entries: int, first: Frame, currency: str) -> str:
    if not entries:
        return "Nothing waits to be billed"
    said = f"{written(total, currency)} wait in {counted(entries, 'entry', 'entries')}"
    largest = int(first["amount"].iloc[0])
    if len(first) == 1 or total <= 0:
        return said
    return f"{said}; {first['name'].iloc[0]} alone is {percent(largest, total)}"


def receivables_by_age(frame: Frame, *, currency: str, exponent: int) -> Chart:
    """Bars of open invoice balances by days past due, in minor units of `currency`."""
    filled = validate(frame, AGEING).set_index("bucket").reindex(list(AGES), fill_value=0)
    amounts = {str(bucket): int(amount) for bucket, amount in filled["amount"].items()}
    marks = {
        bucket: Mark(amount, written(amount, currency), {"age": bucket})
        for bucket, amount in amounts.items()
    }
    invoices = {str(bucket): int(count) for bucket, count in filled["invoices"].items()}
    overdue = sum(invoices.values()) - invoices["current"]
    total = sum(amounts.values())
    late = total - amounts["current"]
    if not total:
        takeaway = "Nothing is owed"
    elif not late:
        takeaway = f"{written(total, currency)} is owed, none of it past due"
    else:
        takeaway = (
            f"{written(total, currency)} is owed; {written(late, currency)} "
            f"({percent(late, total)}) is past due"
        )
    none = Mark(0, written(0, currency), {})
    return Chart(
        name="receivables",
        title="Receivables by age",
        unit=f"{currency}, by days past due",
        takeaway=takeaway,
        definition="What is left to pay on issued invoices, by whole days past the due date.",
        labels=tuple(AGES.values()),
        series=(
            Series(
                "Not due",
                "neutral",
                tuple(marks[age] if age == "current" else none for age in AGES),
            ),
            Series(
                "Past due", "late", tuple(none if age == "current" else marks[age] for age in AGES)
            ),
        ),
        scale=10**exponent,
        label_title="Days past due",
        note=counted(overdue, "invoice") + " past due" if overdue else "nothing is past due",
    )
