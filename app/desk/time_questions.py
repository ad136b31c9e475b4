"""Time that may be a slip is asked about before it is logged: one question on every page."""

from app.core import clock
from app.core.errors import RuleError
from app.timelog import queries, rules
from app.timelog.models import TimeEntry
from app.timelog.rules import Work

RIGHT = "right"
"""The box by which a person says that the time is meant."""


class TimeQuestionError(RuleError):
    """The time may be meant or a slip: it is logged when a person ticks the box and sends again."""


def ask(work: Work, *, staff_id: int, zone: str, instead_of: TimeEntry | None = None) -> None:
    """Raise `TimeQuestionError` for what may be a slip; what is impossible is refused anyway.

    Days are those of `zone`. Of an entry that the work stands `instead_of`, nothing is asked while
    its day and its length stay.
    """
    today = clock.today(zone)
    if rules.problems_of(work, today=today):
        return
    begun = work.started_at
    on = rules.local_date(begun, zone) if begun else work.work_date or today
    seconds, beside = rules.seconds_of(work) or 0, queries.seconds_on(staff_id, on)
    if instead_of is not None and instead_of.work_date == on:
        if seconds == instead_of.recorded_seconds:
            return
        beside -= instead_of.recorded_seconds
    doubts = rules.doubts_of(seconds, on, beside=beside, today=today)
    if doubts:
        raise TimeQuestionError(*doubts, "Tick the box if the time is right.")
