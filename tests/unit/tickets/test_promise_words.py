"""How promises read."""

from datetime import UTC, datetime, timedelta

import pytest

from app.desk.promise_words import explained, week_text
from app.tickets.sla_models import SlaClock

DAY, SHORT = [(540, 1020)], [(540, 720)]


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        (dict.fromkeys(range(5), DAY), "Mon to Fri 09:00-17:00"),
        ({0: DAY, 1: DAY, 3: DAY}, "Mon and Tue 09:00-17:00; Thu 09:00-17:00"),
        (dict.fromkeys(range(4), DAY) | {4: SHORT}, "Mon to Thu 09:00-17:00; Fri 09:00-12:00"),
        ({}, ""),
    ],
)
def test_days_with_the_same_hours_are_told_as_one(hours, told):
    assert week_text(hours) == told


NOW = datetime(2026, 3, 11, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "due", "ended", "kind", "badge", "told"),
    [
        ("running", 1, False, "running", "Running", "due 11 Mar 2026, 13:00."),
        ("running", -48, False, "overdue", "Running, 2 d late", "12:00, 2 d late."),
        ("paused", -5, False, "overdue", "Paused, 5 h late", "paused after 9:00 h, 5 h late."),
        ("paused", None, False, "waiting", "Paused", "paused after 9:00 h."),
        ("missed", -5, True, "overdue", "Missed", "too late."),
    ],
)
def test_a_promise_that_is_late_and_still_to_be_kept_says_so(state, due, ended, kind, badge, told):
    clock = SlaClock(
        target="resolution",
        state=state,
        goal=8 * 3600,
        spent=9 * 3600,
        due_at=None if due is None else NOW + timedelta(hours=due),
        ended_at=NOW if ended else None,
    )
    found = explained(clock, {}, NOW)
    assert (found.kind, found.state) == (kind, badge)
    assert found.summary.endswith(told)
