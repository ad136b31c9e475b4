"""Fields of a form: what is shown, what is wrong, what is kept."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tickets import intake
from app.tickets.intake import Condition, Field

OPTIONS = ("a", "b")
FORM = (
    Field("kind", "choice", "Kind", options=("New", "Change"), required=True),
    Field("what", "text", "What", visible_if=Condition("kind", ("Change",)), required=True),
    Field("size", "choice", "Size", options=("S", "L"), visible_if=Condition("kind", ("New",))),
    Field("why", "long", "Why", required_if=Condition("size", ("L",))),
    Field("when", "date", "When", portal_visible=False),
    Field("cost", "number", "Cost"),
    Field("scan", "file", "Scan", required_if=Condition("kind", ("New",))),
    Field("login", "secret", "Login", visible_if=Condition("kind", ("Change",))),
)


@st.composite
def forms(draw) -> tuple[Field, ...]:
    """Any sound form: conditions look at choices that stand above."""
    made: list[Field] = []
    for place in range(draw(st.integers(1, 7))):
        above = [one.key for one in made if one.kind == "choice"]
        condition = st.none()
        if above:
            picked = st.lists(st.sampled_from(OPTIONS), min_size=1, unique=True).map(tuple)
            condition |= st.builds(Condition, st.sampled_from(above), picked)
        kind = draw(st.sampled_from(sorted(intake.KINDS)))
        made.append(
            Field(
                f"f{place}",
                kind,
                f"Field {place}",
                options=OPTIONS if kind == "choice" else (),
                required=draw(st.booleans()),
                required_if=draw(condition),
                visible_if=draw(condition),
                portal_visible=draw(st.booleans()),
            )
        )
    return tuple(made)


TEXTS = st.sampled_from(("a", "b", "", " a ", "2026-11-30", "12", "1,5", "\x00x\r\ny")) | st.text(
    "ab1- \n\x00é", max_size=6
)
RAW = st.dictionaries(st.sampled_from([f"f{n}" for n in range(8)]), TEXTS)


@given(forms(), RAW)
def test_what_is_read_holds_only_shown_fields_and_reads_the_same_again(form, raw):
    assert intake.definition_problems(form) == []
    reading = intake.read(form, raw)
    shown = {each.field.key for each in intake.fields_for(form, reading.answers)}
    assert reading.answers.keys() <= shown
    assert intake.read(form, reading.answers).answers == reading.answers
    labels = {label for label, _ in intake.display(form, reading.answers, for_client=True)}
    assert labels <= {one.label for one in form if one.portal_visible and one.key in shown}


@given(forms(), RAW)
def test_without_faults_every_required_field_is_answered(form, raw):
    everything = {one.key for one in form if one.kind not in intake.KEPT}
    reading = intake.read(form, raw, given=everything)
    if not reading.faults:
        for each in reading.shown:
            assert not each.is_required or each.field.key in reading.answers.keys() | everything


@given(forms())
def test_a_form_is_stored_whole(form):
    assert intake.fields_from(intake.stored(form)) == form


def faults(raw, **more):
    return [text for _, text in intake.read(FORM, raw, **more).faults]


def test_every_fault_is_told_at_once():
    assert faults({"kind": "Neither", "when": "soon", "cost": "much"}) == [
        "Kind: choose one of the list.",
        "When: “soon” is no date; write it like 2026-11-30.",
        "Cost: “much” is no number; write it like 12 or 1147.50.",
    ]
    assert faults({"kind": "Change", "what": "x", "cost": "1.234"}) == [
        "Cost: “1.234” can be read in two ways; write 1234 or 1.2340."
    ]
    assert faults({"kind": "Change", "what": "x", "cost": "1,234,567"}) == [
        "Cost: “1,234,567” can be read in two ways; write 1234567."
    ]
    assert faults({"kind": "Change", "what": "x", "cost": "9" * 13}) == [
        "Cost: at most 12 digits fit, and 6 behind the decimal mark."
    ]
    assert faults({"kind": "New", "size": "L"}) == ["Why: fill this in.", "Scan: choose a file."]
    assert faults({"kind": "New", "size": "L", "why": "So", "cost": "1,50"}, given={"scan"}) == []
    assert faults({"kind": "Change"}) == ["What: fill this in."]


def test_an_answer_that_is_hidden_brings_up_nothing():
    """The size of a new thing was chosen first, then it became a change: nothing of it is left."""
    reading = intake.read(FORM, {"kind": "Change", "what": "Logo", "size": "L"})
    assert (reading.answers, reading.faults) == ({"kind": "Change", "what": "Logo"}, ())


def test_clients_see_their_fields_and_nobody_a_login():
    answers = {"kind": "Change", "what": "Logo", "when": "2026-11-30", "login": "7"}
    staff = intake.display(FORM, answers, for_client=False)
    assert staff[-1] == ("Login", intake.HANDED_OVER)
    assert ("When", date(2026, 11, 30)) in staff, "which each reader's language writes its own way"
    assert [pair for pair in staff if pair[0] != "When"] == intake.display(
        FORM, answers, for_client=True
    )


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (Field("x", "choice", "X"), "X: give 2 to 50 answers to choose from"),
        (Field("x", "choice", "X", options=("a", "a")), "X: the answer a stands more than once"),
        (Field("x", "choice", "X", options=("a",)), "X: give 2 to 50 answers to choose from"),
        (Field("x", "text", "kind "), "kind : another question is called so"),
        (Field("X", "text", "X"), "X: its key may hold small letters, digits and _"),
        (Field("x", "text", " "), "The question: its label is empty"),
        (Field("x", "text", "y" * 501), f"{'y' * 60}: its label is empty or longer than 500"),
        (Field("x", "music", "X"), "X: music is no kind of field."),
        (Field("kind", "text", "X"), "X: another field has the key kind"),
        (Field("x", "text", "X", visible_if=Condition("y", ("a",))), "names no choice that stands"),
        (Field("x", "text", "X", required_if=Condition("kind", ("Old",))), "names options that"),
    ],
)
def test_an_unsound_form_is_refused(field, said):
    assert said in "; ".join(intake.definition_problems((*FORM[:1], field)))
