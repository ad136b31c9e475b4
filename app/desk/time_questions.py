"""Time that may be a slip is asked about before it is logged: one question on every page."""

from app.core import clock
from app.core.errors import RuleError
from app.desk.at_desk import own_zone
from app.timelog import queries, rules
from app.timelog.rules import Work

RIGHT = "right"
"""The box by which a person says that the time is meant."""


class TimeQuestionError(RuleError):
    """The time may be meant or a slip: it is logged when a person ticks the box and sends again."""


def ask(work: Work, *, staff_id: int) -> None:
    """Raise `TimeQuestionError` for what may be a slip; what is impossible is refused anyway."""
    today = clock.today(own_zone())
    if rules.problems_of(work, today=today):
        return
    begun = work.started_at
    on = rules.local_date(begun, own_zone()) if begun else work.work_date or today
    doubts = rules.doubts_of(
        rules.seconds_of(work) or 0,
        on,
        beside=queries.seconds_on(staff_id, on),
        today=today,
    )
    if doubts:
        raise TimeQuestionError(*doubts, "Tick the box if the time is right.")
