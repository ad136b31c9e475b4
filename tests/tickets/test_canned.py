"""Canned replies: what may stand in braces, and what comes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.audit import Actor
from app.core.errors import NotFoundError, RuleError
from app.tickets import canned
from tests import factories as make

ACTOR = Actor(name="Ada")


def test_placeholders_are_filled_and_braces_of_others_left():
    values = {"requester": "Bo", "number": "12"}
    text = "Dear {requester}, #{number}: use {} or {secret} or { number }."
    assert canned.fill(text, values) == "Dear Bo, #12: use {} or {secret} or { number }."


@given(st.text(), st.text())
def test_a_value_is_never_looked_through_again(name, subject):
    values = {"requester": "{subject}" + name, "subject": subject}
    assert canned.fill("{requester}|{subject}", values) == "{subject}" + name + "|" + subject


def test_an_unknown_placeholder_is_named_with_the_known_ones(app):
    with pytest.raises(RuleError, match=r"\{password\}.*use \{requester\}") as refused:
        canned.save(actor=ACTOR, name="", text="{password}", shared=True, staff_id=make.staff().id)
    assert any("name is empty" in problem for problem in refused.value.problems)


def test_one_sees_ones_own_and_everybodys(app):
    ana, bo = make.staff("Ana"), make.staff("Bo")
    for name, shared in (("Own", False), ("Shared", True)):
        canned.save(actor=ACTOR, name=name, text="T", shared=shared, staff_id=ana.id)
    assert [reply.name for reply in canned.of(ana.id)] == ["Own", "Shared"]
    assert [reply.name for reply in canned.of(bo.id)] == ["Shared"]
    own = canned.of(ana.id)[0]
    with pytest.raises(NotFoundError):
        canned.one(own.id, staff_id=bo.id)
