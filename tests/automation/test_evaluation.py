"""Conditions, words and effects: properties that hold for every rule and ticket. Pure."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.automation import checks, words
from app.automation.catalogue import ACTIONS, EVENTS, FIELDS, OPTIONS, WITHOUT_VALUE
from app.automation.definition import Action, Condition, Definition, Names, is_row
from app.automation.evaluation import Facts, effect, evaluate, found_of, holds
from app.automation.facts import Change, rewound

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
IDS = (1, 2, 3)
NAMES = Names(
    rows={
        kind: {each: f"{kind} {each}" for each in IDS}
        for kind in ("department", "staff", "status", "request_type", "calendar", "company")
    },
    gone={"staff": {3: "is archived"}, "department": {3: "is archived"}},
    questions={"os": "Which system?"},
    categories={1: "new", 2: "open", 3: "waiting"},
)
OPPOSITES = [
    ("is", "is_not"),
    ("has", "has_not"),
    ("contains", "contains_not"),
    ("within", "outside"),
    ("empty", "filled"),
]
WORDS = st.text(alphabet="abcXYZ äß", min_size=1, max_size=8).filter(str.strip)


def values_of(kind: str) -> st.SearchStrategy:
    if is_row(kind):
        return st.sampled_from(IDS)
    if kind == "number":
        return st.integers(1, 5)
    return st.sampled_from([*OPTIONS[kind]]) if kind in OPTIONS else WORDS


@st.composite
def conditions(draw, fields=tuple(FIELDS)) -> Condition:
    name = draw(st.sampled_from(fields))
    op = draw(st.sampled_from(FIELDS[name].operators))
    values = draw(st.lists(values_of(FIELDS[name].kind), min_size=1, max_size=3, unique=True))
    key = "os" if name == "answer" else ""
    return Condition(name, op, () if op in WITHOUT_VALUE else tuple(values), key)


@st.composite
def facts(draw) -> Facts:
    some = st.sampled_from(IDS) | st.none()
    return Facts(
        ticket_id=1,
        number=1001,
        subject=draw(WORDS),
        at=AT,
        priority=draw(st.sampled_from([*OPTIONS["priority"]])),
        status=draw(st.sampled_from(IDS)),
        category=draw(st.sampled_from([*OPTIONS["category"]])),
        department=draw(some),
        assignee=draw(some),
        companies=tuple(draw(st.lists(st.sampled_from(IDS), min_size=1, unique=True))),
        origin=draw(st.sampled_from([*OPTIONS["origin"]])),
        domain=draw(st.sampled_from(["", "example.com", "x.org"])),
        tags=frozenset(draw(st.lists(WORDS, max_size=3))),
        request_type=draw(some),
        answers=draw(st.sampled_from([{}, {"os": "Linux"}])),
        text=draw(st.text(max_size=20)),
        open_in=frozenset(draw(st.lists(st.sampled_from(IDS), max_size=2))),
        score=draw(st.integers(1, 5) | st.none()),
        outcome=draw(st.sampled_from(["", *OPTIONS["outcome"]])),
    )


def actions() -> st.SearchStrategy:
    def one(kind: str) -> st.SearchStrategy:
        settings = ACTIONS[kind].settings
        return st.fixed_dictionaries({each.name: values_of(each.kind) for each in settings}).map(
            lambda values: Action(kind, values)
        )

    return st.sampled_from([*ACTIONS]).flatmap(one)


def definitions() -> st.SearchStrategy:
    return st.builds(
        Definition,
        st.sampled_from([name for name in EVENTS if name != "waited"]),
        st.just({}),
        st.lists(conditions(), max_size=4).map(tuple),
        st.lists(actions(), min_size=1, max_size=4).map(tuple),
        st.booleans(),
        st.lists(conditions(), max_size=3).map(tuple),
    )


@given(definitions())
def test_what_is_stored_is_what_is_read(definition):
    assert Definition.of_json(definition.as_json()) == definition


@given(definitions(), facts())
def test_a_rule_holds_when_every_condition_and_one_alternative_do_and_says_so(definition, seen):
    verdict = evaluate(definition, seen, NAMES)
    held = [holds(one, found_of(one, seen)) for one in definition.conditions]
    one_of = [holds(one, found_of(one, seen)) for one in definition.alternatives]
    assert verdict.holds == (all(held) and (any(one_of) or not one_of))
    assert len(verdict.misses) == held.count(False) + bool(one_of and not any(one_of))
    assert [each["holds"] for each in verdict.as_json()] == [*held, *one_of]
    assert [each.get("alternative", False) for each in verdict.as_json()] == [
        *[False] * len(held), *[True] * len(one_of),
    ]  # fmt: skip
    assert all(each.words and each.found for each in (*verdict.checks, *verdict.misses))


@given(conditions(), facts())
def test_an_operator_and_its_opposite_never_agree(one, seen):
    for yes, no in OPPOSITES:
        if one.op in {yes, no}:
            other = Condition(one.field, no if one.op == yes else yes, one.values, one.key)
            found = found_of(one, seen)
            assert holds(one, found) != holds(other, found)


@given(conditions(), facts(), st.data())
def test_more_values_never_make_a_positive_condition_fail(one, seen, data):
    if one.op not in {"is", "has", "contains", "within"}:
        return
    more = data.draw(values_of(FIELDS[one.field].kind))
    wider = Condition(one.field, one.op, (*one.values, more), one.key)
    found = found_of(one, seen)
    assert holds(wider, found) or not holds(one, found)


@given(definitions(), conditions(), facts())
def test_another_condition_never_makes_a_rule_hold(definition, more, seen):
    narrower = replace(definition, conditions=(*definition.conditions, more))
    if evaluate(narrower, seen, NAMES).holds:
        assert evaluate(definition, seen, NAMES).holds


@given(definitions(), conditions(), facts())
def test_another_alternative_beside_one_never_makes_a_rule_fail(definition, more, seen):
    wider = replace(definition, alternatives=(*definition.alternatives, more))
    if definition.alternatives and evaluate(definition, seen, NAMES).holds:
        assert evaluate(wider, seen, NAMES).holds


@given(actions(), facts())
def test_an_effect_that_is_done_once_changes_nothing_again(action, seen):
    first = effect(action, seen, NAMES)
    assert not first.refusal or (first.facts == seen and not first.changes)
    if action.kind.startswith(("set_", "assign", "add_", "remove_")) and not first.refusal:
        again = effect(action, first.facts, NAMES)
        assert again.facts == first.facts
        assert not again.changes


@given(definitions())
def test_the_sentence_names_every_condition_and_action(definition):
    said = words.sentence(definition, NAMES)
    assert said.startswith("When ")
    assert said.endswith(".")
    assert "…" not in said.replace("…”", "")
    for one in definition.looks_at:
        assert words.condition(one, NAMES) in said


@given(definitions())
def test_a_made_up_rule_is_refused_only_for_what_is_gone_or_unknown_to_its_event(definition):
    unknown = [
        one for one in definition.looks_at
        if FIELDS[one.field].events and definition.event not in FIELDS[one.field].events
    ]  # fmt: skip
    assert len(checks.unusable(definition)) == len(unknown)
    for problem in checks.problems(definition, NAMES):
        assert problem.startswith(("Condition ", "Alternative ", "Action "))


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        (Definition("nothing"), "When: no event is chosen; choose one of the list."),
        (Definition("opened"), "Then: nothing is to be done; add an action."),
        (
            Definition("waited", {"hours": 0, "since": "client"}),
            "When: hours: write a whole number from 1 to 8760.",
        ),
        (Definition("waited", {"hours": 2}), "When: choose since when they count."),
        (
            Definition("opened", {}, (Condition("priority", "is", ("huge",)),)),
            "Condition 1 (priority): “huge” is no choice; choose one of the list.",
        ),
        (
            Definition("opened", {}, (Condition("department", "is", (9,)),)),
            "Condition 1 (department): there is no such department any more; choose another.",
        ),
        (
            Definition("opened", {}, (Condition("answer", "is", ("Linux",), "gone"),)),
            "Condition 1 (answer to): no form asks this question any more; choose another.",
        ),
        (
            Definition("opened", {}, (), (Action("note", {"text": "x"}), Action("assign", {}))),
            "Action 2 (give it to a person): choose the person.",
        ),
        (
            Definition("opened", {}, (), (Action("add_tag", {"tag": "vip, late"}),)),
            (
                "Action 1 (add a tag): The tag “vip, late” holds a comma, which stands between "
                "tags: write it without."
            ),
        ),
        (
            Definition("opened", {}, (), (Action("assign", {"staff": 3}),)),
            (
                "Action 1 (give it to a person): staff 3 is archived; choose another person or "
                "restore that one."
            ),
        ),
        (
            Definition("opened", {}, (Condition("score", "at_most", (2,)),)),
            (
                "Condition 1 (rating): it is known only when a client rates the result; choose "
                "such an event or remove it."
            ),
        ),
    ],
)
def test_what_is_wrong_is_named_with_how_to_mend_it(definition, problem):
    assert problem in checks.problems(definition, NAMES)


def test_what_is_no_choice_at_all_is_told_once():
    definition = Definition("opened", {}, (), (Action("assign", {"staff": "abc"}),))
    assert checks.problems(definition, NAMES) == [
        "Action 1 (give it to a person): person: “abc” is no choice; choose one of the list."
    ]


@pytest.mark.parametrize(
    ("one", "seen", "expected"),
    [
        (Condition("priority", "at_least", ("high",)), {"priority": "urgent"}, True),
        (Condition("priority", "at_least", ("high",)), {"priority": "normal"}, False),
        (Condition("company", "is", (7,)), {"companies": (3, 7)}, True),
        (Condition("domain", "is", ("Example.COM",)), {"domain": "example.com"}, True),
        (Condition("subject", "contains", ("  OUT of",)), {"subject": "We are out  of ink"}, True),
        (Condition("assignee", "is_not", (1,)), {"assignee": None}, True),
        (Condition("assignee", "empty"), {"assignee": None}, True),
        (Condition("hours", "outside", (1,)), {"open_in": frozenset({2})}, True),
        (Condition("answer", "is", ("linux",), "os"), {"answers": {"os": "Linux"}}, True),
        (Condition("answer", "empty", (), "os"), {"answers": {}}, True),
    ],
)
def test_conditions_compare_as_people_mean_it(one, seen, expected):
    base = {"ticket_id": 1, "number": 1, "subject": "x", "at": AT}
    assert holds(one, found_of(one, Facts(**(base | seen)))) is expected


def test_a_rule_in_words():
    definition = Definition(
        "client_replied",
        {},
        (
            Condition("priority", "is", ("high", "urgent")),
            Condition("department", "is_not", (1,)),
            Condition("tag", "has", ("vip",)),
        ),
        (
            Action("assign", {"staff": 1}),
            Action("ask", {"asked": "fill", "text": "Why is it “down”", "days": 1}),
        ),
        stops=True,
    )
    assert words.sentence(definition, NAMES) == (
        "When a client answers, and the priority is high or urgent, the department is not "
        "department 1 and the ticket has the tag “vip”, then give it to staff 1 and ask the "
        "requester to answer “Why is it “down”” within 1 day. No rule after it runs."
    )


def test_alternatives_and_business_hours_in_words():
    definition = Definition(
        "waited",
        {"hours": 8, "since": "client", "counted": "business"},
        (Condition("category", "is", ("open",)),),
        (Action("note", {"text": "Look"}),),
        alternatives=(
            Condition("priority", "is", ("high", "urgent")),
            Condition("tag", "has", ("vip",)),
        ),
    )
    assert words.sentence(definition, NAMES) == (
        "When 8 business hours are over since the client wrote, and nobody answered, and the kind "
        "of status is open and at least one of these holds: (1) the priority is high or urgent or "
        "(2) the ticket has the tag “vip”, then write the note “Look”."
    )
    (miss,) = evaluate(definition, Facts(1, 1, "x", AT, category="open"), NAMES).misses
    assert miss.found == "it is normal and there is none"


def test_a_rule_of_before_there_were_alternatives_is_read_and_waits_by_the_clock():
    stored = Definition("waited", {"hours": 8, "since": "client"}).as_json()
    del stored["alternatives"]
    read = Definition.of_json(stored)
    assert (read.alternatives, read.settings["counted"]) == ((), "clock")


@pytest.mark.parametrize(
    ("unreachable", "refusal"),
    [("", ""), ("the ticket has no requester", "the ticket has no requester")],
)
def test_who_cannot_be_asked_is_not_asked(unreachable, refusal):
    ask = Action("ask", {"asked": "fill", "text": "Why?", "days": 1})
    seen = Facts(1, 1, "x", AT, category="open", unreachable=unreachable)
    assert effect(ask, seen, NAMES).refusal == refusal


def test_facts_are_taken_back_to_what_they_were():
    now = Facts(1, 1001, "New", AT, priority="urgent", assignee=2, status=2, category="open")
    changes = [
        Change(AT, "Priority", "high"),
        Change(AT, "Status", "status 1"),
        Change(AT, "Assignee", None),
        Change(AT, "Priority", "low"),
        Change(AT, "Subject", "Old"),
        Change(AT, "Requester", "Ana"),
    ]
    then = rewound(now, changes, NAMES)
    assert (then.priority, then.status, then.category) == ("low", 1, "new")
    assert (then.assignee, then.subject) == (None, "Old")
