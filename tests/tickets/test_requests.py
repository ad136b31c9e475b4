"""Kinds of requests, their versions, drafts, and a request sent with all it holds."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.billing.agency import Particulars, change_agency
from app.core.audit import SYSTEM, Actor
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.language import OFFERED
from app.tickets import drafts, intake, request_queries, request_types, requesting, usual_types
from app.tickets.commands import Upload
from app.tickets.intake import Condition, Field
from app.tickets.models import Attachment, Event, Ticket
from app.tickets.request_models import Draft, FormVersion, RequestType
from app.tickets.requesting import Login, NewRequest
from app.vault.models import Credential
from app.vault.sealing import Secret, unseal
from tests import factories as make
from tests.waiting import wait_until_waiting

FORM = (
    Field("kind", "choice", "Kind", options=("New", "Change"), required=True),
    Field("what", "text", "What", visible_if=Condition("kind", ("Change",)), required=True),
    Field("scan", "file", "Scan", visible_if=Condition("kind", ("New",))),
    Field("login", "secret", "Login", visible_if=Condition("kind", ("Change",))),
)


@pytest.fixture
def kind(app) -> RequestType:
    with unit_of_work():
        found = request_types.create_type(actor=SYSTEM, values={"name": "Work"})
        request_types.save_fields(found.id, actor=SYSTEM, fields=FORM)
    return found


@pytest.fixture
def mira(app) -> Actor:
    with unit_of_work():
        contact = make.contact(make.company("Northwind"), "Mira Krog")
    return Actor(name=contact.name, channel="portal", contact_id=contact.id)


def wanted(kind, **more) -> NewRequest:
    given = {"subject": "Logo", "text": "Please.", "type_id": kind.id, "raw": {"kind": "New"}}
    return NewRequest(**{**given, **more})


@pytest.mark.parametrize("code", sorted(set(OFFERED) - {"en"}))
def test_the_kinds_an_agency_begins_with_follow_its_language_until_they_are_its_own(app, code):
    english, told = usual_types.usual_in("en"), usual_types.usual_in(code)
    assert all(own.name != other.name for own, other in zip(english, told, strict=True))
    with unit_of_work():
        question = request_queries.offered()[1]
        client = make.contact(make.company("Northwind"), "Mira Krog")
        make.ticket(
            client.memberships[0].company,
            request_type_id=question.type.id,
            form_version_id=question.version.id,
        )
        change_agency(Particulars(language=code), actor=SYSTEM)
    db.session.rollback()
    broken, kept, change = request_queries.offered()
    assert (broken.type.name, broken.type.help) == (told[0].name, told[0].help)
    assert tuple(broken.fields) == told[0].fields
    assert kept.type.name == "A question", "a ticket was asked with it"
    assert change.fields[1].visible_if.options == change.fields[0].options[:1], "and its condition"
    with unit_of_work():
        kind = db.session.get_one(RequestType, broken.type.id)
        request_types.change_type(kind, actor=SYSTEM, values={"help": "Ours"})
        change_agency(Particulars(language="en"), actor=SYSTEM)
    db.session.rollback()
    names = [form.type.name for form in request_queries.offered()]
    assert names == [told[0].name, "A question", "A change or new work"]


def test_a_kind_of_the_same_name_never_keeps_the_agency_from_its_language(app):
    told = usual_types.usual_in("de")
    with unit_of_work():
        own = request_types.create_type(actor=SYSTEM, values={"name": told[1].name.lower()})
        request_types.archive_type(own, actor=SYSTEM)
        change_agency(Particulars(language="de"), actor=SYSTEM)
    names = [form.type.name for form in request_queries.offered()]
    assert names == [told[0].name, "A question", told[2].name]


def test_a_new_agency_has_some_kinds(app):
    names = [form.type.name for form in request_queries.offered()]
    assert names == ["Something is broken", "A question", "A change or new work"]
    for form in request_queries.offered():
        assert intake.definition_problems(form.fields) == []


def test_a_request_keeps_answers_files_and_logins_of_shown_fields_only(kind, mira):
    held = Login(Secret("root", "hunter-canary"))
    with unit_of_work():
        drafts.save(mira.contact_id, {"subject": "Lo"})
        ticket = requesting.send(
            wanted(
                kind,
                raw={"kind": "Change", "what": "The logo"},
                files={"": [Upload("a.txt", b"a")], "scan": [Upload("hidden.txt", b"h")]},
                logins={"login": held},
            ),
            actor=mira,
        )
    assert ticket.answers["what"] == "The logo"
    assert "scan" not in ticket.answers
    assert db.session.scalars(select(Attachment.name)).all() == ["a.txt"]
    kept = db.session.get(Credential, int(ticket.answers["login"]))
    assert unseal(kept.sealed) == held.secret
    assert db.session.scalar(select(Draft.id)) is None
    assert request_queries.answers_of(ticket, for_client=True) == [
        ("Kind", "Change"),
        ("What", "The logo"),
        ("Login", intake.HANDED_OVER),
    ]
    payloads = [str(event.payload) for event in db.session.scalars(select(Event))]
    assert not any("canary" in payload for payload in payloads)


def test_a_faulty_request_tells_everything_and_writes_nothing(kind, mira):
    last = text("select last_value, is_called from ticket_number_seq")
    before = db.session.execute(last).one()
    with pytest.raises(requesting.RequestFaultsError) as caught, unit_of_work():
        requesting.send(
            wanted(kind, subject="", text="", raw={"kind": "Change"}, logins=LOGINS), actor=mira
        )
    assert [name for name, _ in caught.value.faults] == [
        *("subject", "text"),
        *("field-what", "login-login-secret"),
    ]
    assert db.session.scalar(select(Ticket.id)) is None
    with pytest.raises(RuleError, match="Choose what"), unit_of_work():
        requesting.send(wanted(kind, type_id=None), actor=mira)
    with pytest.raises(RuleError, match="What"), unit_of_work():
        requesting.send(wanted(kind, raw={"kind": "Change"}), actor=mira)
    with pytest.raises(RuleError, match="no colleague"), unit_of_work():
        requesting.send(wanted(kind, notify=(10**9,)), actor=mira)
    assert db.session.execute(last).one() == before, "no number is lost"


LOGINS = {"login": Login(Secret("root", ""))}


def test_a_version_in_use_stays_and_the_next_one_takes_over(kind, mira):
    with unit_of_work():
        ticket = requesting.send(wanted(kind), actor=mira)
        first = ticket.form_version_id
        again = request_types.save_fields(kind.id, actor=SYSTEM, fields=FORM[:1])
    assert again.number == 2
    with unit_of_work():  # nobody has asked with it yet: changed in place
        assert request_types.save_fields(kind.id, actor=SYSTEM, fields=FORM[:2]).id == again.id
    for change in (
        f"update form_version set fields = '[]' where id = {first}",
        f"delete from form_version where id = {first}",
    ):
        with pytest.raises(DBAPIError, match="in use"), unit_of_work():
            db.session.execute(text(change))
    assert request_queries.answers_of(ticket, for_client=False) == [("Kind", "New")]
    assert db.session.get(FormVersion, first).fields == intake.stored(FORM)


def test_two_who_change_a_form_in_use_at_once_both_find_their_change_in_it(app, kind, mira):
    type_id = kind.id
    with unit_of_work():
        requesting.send(wanted(kind), actor=mira)

    def add(key):
        with unit_of_work():
            form = request_queries.form_of(type_id, lock="change")
            fields = (*form.fields, Field(key, "text", key))
            request_types.save_fields(type_id, actor=SYSTEM, fields=fields)

    def add_elsewhere(key):
        with app.app_context():
            add(key)

    with ThreadPoolExecutor(1) as pool:
        with unit_of_work():
            add("first")
            second = pool.submit(add_elsewhere, "second")
            wait_until_waiting(1)
        second.result(30)
    found = request_queries.form_of(type_id, lock="change")
    assert [one.key for one in found.fields[len(FORM) :]] == ["first", "second"]


def test_an_archived_kind_is_offered_no_more(kind, mira):
    with unit_of_work():
        request_types.archive_type(kind, actor=SYSTEM)
    assert kind.id not in {form.type.id for form in request_queries.offered()}
    with pytest.raises(RuleError, match="Choose what"), unit_of_work():
        requesting.send(wanted(kind), actor=mira)


def test_questions_that_cannot_be_told_apart_are_put_right_one_by_one(kind):
    with pytest.raises(RuleError, match="another question is called so"), unit_of_work():
        request_types.save_fields(
            kind.id, actor=SYSTEM, fields=(*FORM, replace(FORM[1], key="again", label="what"))
        )
    old = tuple(Field(key, "text", "Which?") for key in ("a", "b", "c"))
    with unit_of_work():
        request_queries.form_of(kind.id).version.fields = intake.stored(old)
    with pytest.raises(RuleError, match="called so"), unit_of_work():
        request_types.save_fields(kind.id, actor=SYSTEM, fields=(*old, replace(old[0], key="d")))
    with unit_of_work():
        one = (replace(old[0], label="What?"), *old[1:])
        request_types.save_fields(kind.id, actor=SYSTEM, fields=one)


def test_two_kinds_never_share_a_name(kind):
    with pytest.raises(RuleError, match="already"), unit_of_work():
        request_types.create_type(actor=SYSTEM, values={"name": "work"})


def test_a_draft_keeps_what_is_typed_and_its_files_but_no_login(mira):
    typed = {"subject": "Lo", "field-what": "x", "login-login-secret": "canary", "csrf": "y"}
    with unit_of_work():
        drafts.save(mira.contact_id, typed)
        taken = drafts.add_files(
            mira.contact_id, [Upload("a.txt", b"a"), Upload("empty.txt", b"")], key=""
        )
    assert taken.problems == ["empty.txt is empty: choose the file again."]
    with unit_of_work():
        most = [Upload("most.zip", bytes(drafts.LARGEST_SUM))]
        told = drafts.add_files(mira.contact_id, most, key="").problems
    assert "files of 25 MB in all" in str(told[0]), "together, as in an answer"
    draft = request_queries.draft_of(mira.contact_id)
    assert draft.typed == {"subject": "Lo", "field-what": "x", "notify": []}
    with unit_of_work():
        drafts.save(mira.contact_id, {"subject": "Logo"})
        found = request_queries.draft_of(mira.contact_id)
        uploads = drafts.uploads_of(found, {taken.files[0].id})
        assert uploads[""][0].content == b"a"
        drafts.keep_only(mira.contact_id, ())
    assert request_queries.draft_of(mira.contact_id).files == []
    assert request_queries.draft_of(mira.contact_id).typed["field-what"] == "x"
