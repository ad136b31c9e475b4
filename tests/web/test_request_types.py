"""The builder of kinds of requests: texts, questions in order, conditions, versions, preview."""

import re

import pytest
from sqlalchemy import select

from app.core.db import db, unit_of_work
from app.core.forms import new_nonce
from app.tickets import request_queries
from app.tickets.intake import Condition
from app.tickets.request_models import RequestType
from tests import factories as make
from tests.web.people import client_in, person, portal_account, signed_in


@pytest.fixture
def admin(app):
    return signed_in(app, person("Admin"))


def page(answer) -> str:
    return answer.get_data(as_text=True)


def sent(**fields) -> dict:
    return {"nonce": new_nonce(), **fields}


@pytest.fixture
def at(admin) -> str:
    """The page of a new kind."""
    form = sent(name="Access", help="A new account.", is_public="y", position="3")
    answer = admin.post("/request-types/new", data=form)
    assert answer.status_code == 302, page(answer)
    return answer.location.partition("#")[0]


def ask(admin, at, **fields):
    return admin.post(f"{at}/fields", data=sent(**fields))


def fields_of(at):
    db.session.rollback()
    return request_queries.form_of(int(at.rpartition("/")[2])).fields


def test_questions_are_added_ordered_changed_and_taken_out(admin, at):
    ask(admin, at, label="For whom?", kind="choice", options="Me\n Somebody  new \n", needed="yes")
    ask(
        admin,
        at,
        label="Their name",
        kind="text",
        needed="if",
        visible_if="for_whom|Somebody new",
        required_if="for_whom|Somebody new",
    )
    twice = ask(admin, at, label="Their  name", kind="date", portal_visible="y")
    assert "another question is called so" in page(twice)
    one = ask(admin, at, label="How fast?", kind="choice", options="At once")
    assert "How fast?: give 2 to 50 answers" in page(one)
    ask(admin, at, label="Their name?", kind="date", portal_visible="y")
    first, second, third = fields_of(at)
    assert (first.key, first.options, first.required) == ("for_whom", ("Me", "Somebody new"), True)
    only = Condition("for_whom", ("Somebody new",))
    assert (second.visible_if, second.required_if, second.required) == (only, only, False)
    assert (third.key, third.portal_visible) == ("their_name_2", True)
    shown = page(admin.get(at))
    assert "Shown only if “For whom?” is Somebody new" in shown
    assert 'data-if="field-for_whom"' in shown  # the preview is the client's own form
    ask(admin, at, key="their_name_2", label="From when?", kind="date")
    ask(admin, at, key="their_name_2", do="up")
    assert [one.label for one in fields_of(at)] == ["For whom?", "From when?", "Their name"]
    ask(admin, at, key="their_name_2", do="remove")
    assert [one.key for one in fields_of(at)] == ["for_whom", "their_name"]


def test_a_question_that_others_look_at_stays(admin, at):
    ask(admin, at, label="For whom?", kind="choice", options="Me\nOther")
    ask(admin, at, label="Name", kind="text", visible_if="for_whom|Other")
    before = fields_of(at)
    for refused in (
        ask(admin, at, key="for_whom", do="remove"),
        ask(admin, at, key="for_whom", do="down"),
        ask(admin, at, key="for_whom", label="For whom?", kind="choice", options="Me"),
        ask(admin, at, label="", kind="choice", needed="if"),
    ):
        assert refused.status_code == 422
        assert 'role="alert"' in page(refused)
    assert fields_of(at) == before


def test_texts_are_changed_and_a_kind_is_archived(app, admin, at):
    with unit_of_work():
        mira = make.contact(make.company("Northwind"), "Mira")
    portal_account(mira)
    client = client_in(app, mira)
    admin.post(
        at, data=sent(name="An account", next_text="We set it up.", is_public="y", position="0")
    )
    assert "An account" in page(client.get("/portal/requests/new"))
    for wrong in ("-1", "first", "10000"):
        refused = admin.post(at, data=sent(name="An account", position=wrong, billing="none"))
        assert "Place in the list: write a whole number from 0 to 9999." in page(refused)
        assert "billing is none of the list" in page(refused)
    admin.post(at, data=sent(name="An account"))  # no longer for clients
    assert "An account" not in page(client.get("/portal/requests/new"))
    admin.post(f"{at}/archive", data=sent())
    kind = db.session.scalars(select(RequestType).where(RequestType.name == "An account")).one()
    assert kind.archived_at is not None
    assert "Archived" in page(admin.get("/request-types/"))
    admin.post(f"{at}/archive", data=sent(restore="1"))
    db.session.rollback()
    assert db.session.get(RequestType, kind.id, populate_existing=True).archived_at is None


def test_a_taken_name_is_refused_with_what_was_typed(admin):
    form = sent(name="a question", help="My words")
    answer = admin.post("/request-types/new", data=form)
    assert answer.status_code == 422
    assert "There is a kind of request called a question already" in page(answer)
    assert "My words" in page(answer)


def test_versions_tell_what_changed_and_a_former_one_is_asked_again(admin, at):
    kind = int(at.rpartition("/")[2])
    assert "Versions" not in page(admin.get(at))
    ask(admin, at, label="Where?", kind="text")
    ask(admin, at, label="Since when?", kind="date")
    asked = request_queries.form_of(kind).version.id
    make.ticket(make.company(), request_type_id=kind, form_version_id=asked)
    db.session.commit()
    ask(admin, at, key="since_when", do="remove")
    ask(admin, at, key="where", label="In which room?", kind="text")
    ask(admin, at, label="Who?", kind="text")
    shown = page(admin.get(at))
    assert "Version 2</b> (asked now)" in shown
    assert "Added “Who?”. Took out “Since when?”. Changed “In which room?”." in shown
    assert "Since when?" in shown  # what the first version asked can still be read
    assert ", 1 ticket<" in shown
    ask(admin, at, do="again", number="1")
    assert [one.label for one in fields_of(at)] == ["Where?", "Since when?"]
    nowhere = ask(admin, at, do="again", number="77")
    assert nowhere.status_code == 404
    assert [one.label for one in fields_of(at)] == ["Where?", "Since when?"]


def test_of_two_who_change_the_texts_of_a_kind_the_later_is_asked(app, admin, at):
    other = signed_in(app, person("Admin"))
    seen = re.search(r'name="shown" value="(\w+)"', page(admin.get(at)))[1]
    theirs = sent(name="Doors", is_public="y", position="3", shown=seen)
    assert other.post(at, data=theirs).status_code == 302
    mine = {"name": "Keys", "help": "All of them.", "is_public": "y", "position": "3"}
    asked = admin.post(at, data=sent(**mine, shown=seen))
    assert asked.status_code == 409
    assert "Somebody else changed the texts of “Doors”" in page(asked)
    assert 'value="All of them."' in page(asked)
    assert "What stands there now" in page(asked)
    db.session.rollback()
    assert db.session.scalars(select(RequestType.name).where(RequestType.name == "Doors")).one()
    now = re.search(r'name="shown" value="(\w+)"', page(asked))[1]
    assert admin.post(at, data=sent(**mine, shown=now)).status_code == 302
    db.session.rollback()
    assert db.session.scalars(select(RequestType.name).where(RequestType.name == "Keys")).one()


def test_of_two_who_change_a_question_the_later_is_asked(app, admin, at):
    other = signed_in(app, person("Admin"))
    ask(admin, at, label="Where?", kind="text")
    stood = re.search(r'name="stood" value="(\w+)"', page(admin.get(f"{at}?field=where")))[1]
    assert ask(other, at, key="where", label="In which room?", stood=stood).status_code == 302
    mine = {"key": "where", "label": "On which floor?"}
    asked = ask(admin, at, **mine, stood=stood)
    assert asked.status_code == 409
    assert "Somebody else changed or took out “On which floor?”" in page(asked)
    assert 'value="On which floor?"' in page(asked)
    assert [one.label for one in fields_of(at)] == ["In which room?"]
    now = re.search(r'name="stood" value="(\w+)"', page(asked))[1]
    assert ask(admin, at, **mine, stood=now).status_code == 302
    assert [one.label for one in fields_of(at)] == ["On which floor?"]
    ask(other, at, key="where", do="remove")
    assert ask(admin, at, **mine, stood=now).status_code == 409
    assert fields_of(at) == ()
