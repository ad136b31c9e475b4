"""Minimum and increment on a ticket or on its day: rounded once, shared to the second."""

from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.billing.engine.duration import round_seconds
from tests.unit.billing.facts import compiled, entry, rule

DAYS = (date(2026, 3, 2), date(2026, 3, 3))


def billed(entries, unit: str, rounding: str = "up", step: int = 900, minimum: int = 0, **policy):
    """Billed seconds by entry."""
    rounds = rule(unit=unit, rounding=rounding, increment_seconds=step, minimum_seconds=minimum)
    document = compiled(list(entries), rules=(rounds,), **policy).document
    found = {each.entry_id: each.billed_seconds for line in document.lines for each in line.entries}
    assert document.seconds == sum(found.values())
    return found


def test_a_ticket_is_rounded_once_and_shared():
    entries = [entry(1, 100), entry(2, 200), entry(3, 100, work_date=DAYS[1])]
    assert billed(entries, "entry") == {1: 900, 2: 900, 3: 900}
    assert billed(entries, "ticket") == {1: 225, 2: 450, 3: 225}
    assert billed(entries, "ticket-day") == {1: 300, 2: 600, 3: 900}


def test_time_without_a_ticket_is_rounded_by_itself():
    entries = [entry(1, 100, ticket_id=None), entry(2, 200, ticket_id=None)]
    assert billed(entries, "ticket") == {1: 900, 2: 900}


def test_the_least_counts_once_a_ticket():
    entries = [entry(1, 100), entry(2, 200)]
    assert sum(billed(entries, "ticket", "exact", 0, 1800).values()) == 1800


works = st.lists(
    st.tuples(st.integers(1, 20_000), st.integers(1, 3), st.sampled_from(DAYS), st.integers(1, 2)),
    min_size=1,
    max_size=8,
).map(
    lambda rows: [
        entry(number, seconds, ticket_id=ticket, work_date=day, staff_id=staff)
        for number, (seconds, ticket, day, staff) in enumerate(rows, start=1)
    ]
)
units = st.sampled_from(["ticket", "ticket-day"])
patient = settings(suppress_health_check=[HealthCheck.too_slow])  # on a busy machine


@patient
@given(works, units, st.sampled_from(["up", "nearest", "down"]), st.integers(1, 3600))
def test_what_a_unit_is_billed_is_shared_without_a_second_lost(entries, unit, rounding, step):
    found = billed(entries, unit, rounding, step, grouping="person")
    sums: dict[tuple, list[int]] = {}
    for each in entries:
        key = (each.ticket_id, each.work_date if unit == "ticket-day" else None)
        both = sums.setdefault(key, [0, 0])
        both[0] += each.billable_seconds
        both[1] += found.get(each.id, 0)
    for billable, whole in sums.values():
        assert whole == round_seconds(billable, step, rounding)
        assert round_seconds(whole, step, rounding) == whole, "idempotent"
    if rounding == "up":
        assert all(found[each.id] >= each.billable_seconds for each in entries)


@patient
@given(works, units, st.integers(1, 3600), st.integers(0, 7200), st.integers(1, 5000))
def test_more_work_is_never_billed_less(entries, unit, step, minimum, more):
    first = entries[0]
    longer = first.billable_seconds + more
    grown = [first._replace(recorded_seconds=longer, billable_seconds=longer), *entries[1:]]
    before = billed(entries, unit, "up", step, minimum)
    after = billed(grown, unit, "up", step, minimum)
    assert sum(after.values()) >= sum(before.values())


@patient
@given(works, units, st.integers(1, 3600), st.randoms())
def test_the_order_of_entries_does_not_matter(entries, unit, step, random):
    shuffled = entries[:]
    random.shuffle(shuffled)
    assert billed(shuffled, unit, "up", step) == billed(entries, unit, "up", step)
