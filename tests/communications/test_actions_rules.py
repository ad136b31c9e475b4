"""What may be asked and answered, when people are reminded, and that an end stays."""

from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.communications import actions_rules as rules
from app.communications.actions_rules import Given
from app.core.errors import RuleError
from app.tickets.mailtemplates import TEMPLATES

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu")
DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))


@given(st.lists(st.sampled_from(sorted(rules.ENDS)), min_size=1, max_size=8))
def test_of_any_deeds_in_any_order_the_first_counts_and_its_end_stays(deeds):
    state = rules.ASKED
    for deed in deeds:
        if state == rules.ASKED:
            state = rules.ended(state, deed)
            continue
        with pytest.raises(RuleError, match=f"{state} already"):
            rules.ended(state, deed)
    assert state == rules.ENDS[deeds[0]]


@given(DAYS, st.sampled_from(ZONES), st.timedeltas(timedelta(days=-20), timedelta(days=20)))
def test_a_day_is_due_until_its_local_end_and_reminders_come_at_nine(due_on, zone, shift):
    end = rules.end_of(due_on, zone)
    local = ZoneInfo(zone)
    last = (end.astimezone(UTC) - timedelta(seconds=1)).astimezone(local)
    assert last.date() == due_on
    assert not rules.is_overdue("asked", end, end - timedelta(seconds=1))
    assert rules.is_overdue("asked", end, end)
    assert not rules.is_overdue("answered", end, end)
    asked_at = end + shift
    plan = rules.reminder_plan(due_on, zone, asked_at=asked_at)
    assert all(at > asked_at for at in plan.values())
    for step, at in plan.items():
        seen = at.astimezone(UTC).astimezone(local)
        assert (seen.hour, seen.date() - due_on) == (9, timedelta(rules.REMINDERS[step]))


ASK = {
    "kind": "approve",
    "text": "The new logo",
    "options": (),
    "due_on": date(2026, 3, 12),
    "today": date(2026, 3, 10),
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, None),
        ({"due_on": date(2026, 3, 10)}, None),
        ({"due_on": None}, "due date is missing"),
        ({"due_on": date(2026, 3, 9)}, "is over"),
        ({"due_on": date(2027, 4, 9)}, "9 Apr 2027 is too far off"),
        ({"text": " "}, "request is empty"),
        ({"text": "x" * 5_001}, "too long"),
        ({"kind": "pay"}, "not said what"),
        ({"kind": "choose", "options": ("Red",)}, "2 to 10 options"),
        ({"kind": "choose", "options": ("Red", "Red")}, "the same"),
        ({"kind": "choose", "options": ("Red", "Blue")}, None),
    ],
)
def test_what_is_wrong_with_asking_is_said(change, words):
    found = rules.asking_problems(**(ASK | change))
    assert found == [] if words is None else words in " ".join(found)


@pytest.mark.parametrize(
    ("kind", "deed", "given_", "words"),
    [
        ("approve", "answer", Given(), None),
        ("approve", "decline", Given(), "reason is missing"),
        ("approve", "decline", Given(text="Too dear"), None),
        ("choose", "answer", Given(choice="Green"), "Nothing is chosen"),
        ("choose", "answer", Given(choice="Red"), None),
        ("choose", "decline", Given(text="Neither"), None),
        ("fill", "answer", Given(text=" "), "answer is empty"),
        ("fill", "answer", Given(text="42"), None),
        ("upload", "answer", Given(text="see file"), "No file"),
        ("upload", "answer", Given(files=("a.pdf",)), None),
        ("fill", "answer", Given(text="x" * 5_001), "too long"),
        ("confirm", "answer", Given(), None),
        ("confirm", "decline", Given(), "reason is missing"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(kind, deed, given_, words):
    found = rules.answer_problems(kind, ("Red", "Blue"), deed, given_)
    assert found == [] if words is None else words in " ".join(found)


def test_another_word_asked_or_answered_makes_another_hash():
    asked, answered = {"text": "Approve?"}, {"state": "answered", "by": "Mira"}
    first = rules.content_hash(asked, answered)
    assert first == rules.content_hash(dict(asked), dict(answered))
    assert first != rules.content_hash({"text": "Approve!"}, answered)
    assert first != rules.content_hash(asked, {**answered, "by": "Bo"})


# Who must act on a mail, by kind; written by hand. Without a word: what a person wrote.
WORDS = {
    "acknowledged": "Notification",
    "answered": "",
    "colleague": "",
    "solved": "Notification",
    "told_staff": "Notification",
    "asked": "ACTION",
    "reminded": "ACTION",
    "action_cancelled": "Notification",
    "action_late": "Notification",
    "action_ended": "Notification",
}


def test_every_kind_of_mail_says_whether_its_reader_must_act():
    assert WORDS.items() <= {kind: each.word for kind, each in TEMPLATES.items()}.items()
    assert all(each.word for kind, each in TEMPLATES.items() if kind not in WORDS)
