"""Work: hours by whether they may be billed; tickets opened, closed and left."""

from app.core.formats import exact_hours, grouped, hours
from reports.charts import (
    HOUR,
    Chart,
    Mark,
    Series,
    counted,
    difference,
    percent,
)
from reports.frames import FLOW, HOURS, Frame, validate


def hours_by_billability(
    frame: Frame, labels: dict[str, str], *, before: tuple[int, int] | None = None
) -> Chart:
    """Stacked bars of hours for each bucket; `before` is (billable, other) of the period before.

    `labels` names every bucket of the period in order; a bucket without a row counts as nothing.
    """
    filled = _filled(validate(frame, HOURS), labels)
    billable, other = int(filled["billable"].sum()), int(filled["other"].sum())
    total = billable + other
    takeaway = f"{hours(total)} h worked, {percent(billable, total)} of it billable"
    if before and sum(before):
        takeaway += f"; {percent(before[0], sum(before))} in the period before"
    return Chart(
        name="hours",
        title="Hours by billability",
        unit="hours",
        takeaway=takeaway if total else "No time was logged in this period",
        definition="Recorded time by the local date of its start. Billable is what may be billed "
        "before minimum and rounding; the rest of an entry counts as not billable.",
        labels=tuple(labels.values()),
        series=(
            _series("Billable", "done", filled, "billable"),
            _series("Not billable", "neutral", filled, "other"),
        ),
        scale=HOUR,
    )


def ticket_flow(frame: Frame, labels: dict[str, str], *, open_before: int) -> Chart:
    """Opened and closed as bars, the backlog at the end of each bucket as a line."""
    filled = _filled(validate(frame, FLOW), labels)
    opened, closed = int(filled["opened"].sum()), int(filled["closed"].sum())
    left = int(filled["backlog"].iloc[-1]) if len(filled) else open_before
    return Chart(
        name="tickets",
        title="Tickets opened, closed and open",
        unit="tickets",
        takeaway=f"{counted(left, 'ticket')} open at the end, {difference(left, open_before)} at "
        f"the start; {grouped(opened)} opened, {grouped(closed)} closed",
        definition="Opened and closed count tickets by when they were opened and last closed. "
        "Open counts those not closed at the end of each span.",
        labels=tuple(labels.values()),
        series=(
            _counts("Opened", "waiting", filled, "opened"),
            _counts("Closed", "done", filled, "closed"),
            _counts("Open at the end", "neutral", filled, "backlog", line=True),
        ),
    )


def _filled(frame: Frame, labels: dict[str, str]) -> Frame:
    return frame.set_index("bucket").reindex(list(labels), fill_value=0)


def _series(name: str, meaning: str, frame: Frame, column: str) -> Series:
    marks = tuple(
        Mark(
            int(seconds), f"{exact_hours(int(seconds))} h", {"bucket": str(bucket), "part": column}
        )
        for bucket, seconds in frame[column].items()
    )
    return Series(name, meaning, marks)  # type: ignore[arg-type]


def _counts(name: str, meaning: str, frame: Frame, column: str, *, line: bool = False) -> Series:
    marks = tuple(
        Mark(int(count), counted(int(count), "ticket"), {"bucket": str(bucket), "part": column})
        for bucket, count in frame[column].items()
    )
    return Series(name, meaning, marks, line)  # type: ignore[arg-type]
