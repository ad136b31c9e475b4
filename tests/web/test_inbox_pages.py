"""Mail that came, mailboxes and templates on the desk."""

import re

import pytest
from sqlalchemy import select

from app.communications import inbound
from app.communications.models import Received
from app.companies.models import Company, Contact
from app.companies.visibility import viewer_of
from app.core import clock
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.core.forms import new_nonce
from app.core.models import AuditLog
from app.tickets import joining, logins
from app.tickets.mail_models import Mailbox, MailTemplate
from app.tickets.models import Event, Ticket
from app.timelog.commands import log_time
from app.timelog.models import TimeEntry
from app.timelog.rules import Work
from app.vault import commands as vault_commands
from app.vault.models import Credential
from app.vault.queries import seen_by
from app.vault.sealing import Secret
from tests import factories as make
from tests.communications.letters import SUPPORT, letter, take, token
from tests.web.people import person, signed_in

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


@pytest.fixture
def agent(app):
    with unit_of_work():
        make.set_up_agency()
        make.mailbox(SUPPORT)
    return signed_in(app, person("Agent"))


@pytest.fixture
def admin(app, agent):
    return signed_in(app, person("Admin"))


def text_of(answer, code: int = 200) -> str:
    assert answer.status_code == code, answer.get_data(as_text=True)[:2000]
    return answer.get_data(as_text=True)


def post(browser, path: str, **data):
    db.session.rollback()
    return browser.post(path, data={"nonce": new_nonce(), **data})


def held_back() -> tuple[Received, Ticket]:
    with unit_of_work():
        company = make.company("Northwind")
        mira = make.contact(company, "Mira")
        ticket = make.ticket(company, "Printer", requester_id=mira.id)
        ticket.mail_root = "<root@client.example>"
    take(letter(str(mira.emails[0].address), Message_ID="<root2@client.example>"))
    take(
        letter(
            "Eve <eve@evil.example>", HOSTILE, subject=HOSTILE,
            In_Reply_To="<root2@client.example>",
        )
    )  # fmt: skip
    found = db.session.scalars(select(Received).where(Received.rule == "stranger")).one()
    return found, db.session.get_one(Ticket, found.ticket_id)


def test_each_mail_says_what_became_of_it_and_why(agent):
    found, ticket = held_back()
    listed = text_of(agent.get("/inbox/"))
    assert "Held back" in listed
    assert "a stranger to the ticket" in listed
    shown = text_of(agent.get(f"/inbox/{found.id}"))
    assert "The sender has no part in the ticket" in shown
    assert "<script>alert(1)" not in listed + shown
    assert "49" not in shown.partition("What it says")[2].partition("</pre>")[0]
    raw = agent.post(f"/inbox/{found.id}.eml")
    assert raw.headers["Content-Disposition"].startswith("attachment")
    assert raw.mimetype == "application/octet-stream"
    assert "sandbox" in raw.headers["Content-Security-Policy"]
    assert b"eve@evil.example" in raw.data
    db.session.rollback()
    opened = select(AuditLog.object_id).where(AuditLog.action == "received_mail.raw")
    assert db.session.scalars(opened).all() == [found.id], "it may hold what was moved to the vault"
    assert f"#{ticket.number}" in shown
    assert f'href="/inbox/{found.id}"' in text_of(agent.get(f"/tickets/{ticket.number}"))


def test_a_held_back_mail_is_accepted_with_one_click_and_once(agent):
    found, ticket = held_back()
    waiting = 'href="/inbox/?state=quarantined"'
    assert waiting in text_of(agent.get("/"))
    answer = post(agent, f"/inbox/{found.id}/accept")
    assert waiting not in text_of(agent.get("/"))
    assert answer.location == f"/tickets/{ticket.number}"
    again = post(agent, f"/inbox/{found.id}/accept")
    assert again.location == f"/inbox/{found.id}"
    said = db.session.scalars(
        select(Event.payload["text"].astext).where(
            Event.ticket_id == ticket.id, Event.kind == "message"
        )
    ).all()
    assert len(said) == 2


def test_who_accepts_a_mail_that_nobody_vouches_for_is_asked_and_named(agent):
    with unit_of_work():
        make.set_up_agency()
        company = make.company("Northwind")
        make.ticket(company, "Printer", requester_id=make.contact(company, "Mira").id)
        worker = make.staff("Bo Lind", email="bo@agency.example")
    ticket = db.session.scalars(select(Ticket)).one()
    take(letter("bo@agency.example", "All is well.", to=token(ticket, staff=worker)))
    found = db.session.scalars(select(Received)).one()
    assert found.rule == "staff-not-proved"
    shown = text_of(agent.get(f"/inbox/{found.id}"))
    assert "Nobody vouches that bo@agency.example wrote this." in shown
    accepted = post(agent, f"/inbox/{found.id}/accept")
    assert accepted.location == f"/tickets/{ticket.number}"
    db.session.rollback()
    note = db.session.scalars(
        select(Event).where(Event.kind == "note").order_by(Event.id.desc()).limit(1)
    ).one()
    assert "our mail server does not vouch" in note.payload["text"]
    assert (note.visibility, note.actor_name) == ("internal", "agent Person")


def test_a_password_in_a_mail_is_shown_neither_in_its_page_nor_in_a_note_about_it(agent):
    found, ticket = held_back()
    take(
        letter(
            "Eve <eve@evil.example>", "The WordPress password: canary-4711",
            In_Reply_To="<root2@client.example>",
        )
    )  # fmt: skip
    shown = [text_of(agent.get(f"/tickets/{ticket.number}"))]
    shown.append(text_of(agent.get(f"/inbox/{found.id + 1}")))
    assert all("WordPress password: ••" in each for each in shown)
    assert "canary-4711" not in "".join(shown)
    post(agent, f"/inbox/{found.id + 1}/accept")
    kept = db.session.scalars(select(Event.payload["text"].astext).order_by(Event.id.desc()))
    assert "canary-4711" in kept.first(), "from where it is moved into the vault"


def test_a_held_back_mail_can_be_left_and_decided_again(agent):
    found, _ = held_back()
    post(agent, f"/inbox/{found.id}/dismiss")
    db.session.expire_all()
    assert db.session.get_one(Received, found.id).state == "ignored"
    post(agent, f"/inbox/{found.id}/again")
    db.session.expire_all()
    assert db.session.get_one(Received, found.id).state == "new"
    here, script = f"/inbox/{found.id}", {"HX-Request": "true"}
    assert "It is being decided" in text_of(agent.get(here))
    text_of(agent.get(here, headers=script), 204)
    inbound.take_in(found.id, step=unit_of_work)
    assert agent.get(here, headers=script).headers["HX-Refresh"] == "true"
    assert "It is being decided" not in text_of(agent.get(here))


def test_an_unknown_sender_is_put_where_they_belong(agent):
    with unit_of_work():
        company, gone = make.company("Northwind"), make.company("Gone", archived_at=clock.now())
    take(letter("Ana <ana@new.example>", "hello"))
    found = db.session.scalars(select(Received)).one()
    assert "Whose is the sender?" in text_of(agent.get(f"/inbox/{found.id}"))
    for elsewhere, reason in ((found.ticket.company_id, "only stands"), (gone.id, "is archived")):
        post(agent, f"/inbox/{found.id}/company", company=str(elsewhere))
        assert reason in text_of(agent.get(f"/inbox/{found.id}"))
    post(agent, f"/inbox/{found.id}/company", company=str(company.id))
    db.session.expire_all()
    ana = db.session.scalars(select(Contact).where(Contact.name == "Ana")).one()
    assert [each.company_id for each in ana.memberships] == [company.id]
    assert db.session.scalars(select(Ticket.company_id)).one() == company.id
    stand_in = db.session.scalars(select(Company).where(Company.source == "mail")).one()
    assert stand_in.archived_at is not None
    assert "Whose is the sender?" not in text_of(agent.get(f"/inbox/{found.id}"))


def test_all_of_an_unknown_sender_goes_along_to_where_they_belong(agent):
    """Their logins can be seen and taken back there, their time billed; merged tickets too."""
    answers = [
        take(letter("Ana <ana@new.example>", said))
        for said in ("WordPress password: hunter-2", "hello?")
    ]
    first, second = (
        db.session.scalars(select(Ticket).where(Ticket.number == each["ticket"])).one()
        for each in answers
    )
    ana = db.session.scalars(select(Contact).where(Contact.name == "Ana")).one()
    with unit_of_work():
        northwind = make.company("Northwind")
        worker = make.staff("Bo Lind")
        actor = Actor(name="Bo Lind", staff_id=worker.id)
        stand_in_id = first.company_id
        message = db.session.scalars(select(Event).where(Event.ticket_id == first.id)).first()
        assert logins.move_to_vault(message, actor=actor) == 1
        vault_commands.keep(
            actor=actor, company_id=stand_in_id, label="Told by phone", secret=Secret("a", "b", "")
        )
        joining.merge(second, first, actor=actor)
        log_time(Work(seconds=600), actor=actor, staff_id=worker.id, company_id=stand_in_id)
    received = db.session.scalars(select(Received).where(Received.ticket_id == first.id)).one()
    post(agent, f"/inbox/{received.id}/company", company=str(northwind.id))
    db.session.expire_all()
    assert set(db.session.scalars(select(Ticket.company_id))) == {northwind.id}
    assert set(db.session.scalars(select(Credential.company_id))) == {northwind.id}
    assert set(db.session.scalars(select(TimeEntry.company_id))) == {northwind.id}
    assert [each.label for each in seen_by(viewer_of(ana.id))] == [
        f"WordPress password (#{first.number})"
    ]
    assert "Told by phone" in text_of(agent.get(f"/companies/{northwind.id}/logins"))


def test_a_mailbox_is_kept_and_its_password_never_shown(admin):
    form = {
        "address": "help@desk.example", "host": "imap.example.com", "port": "993",
        "security": "tls", "user_name": "", "password": "very secret", "is_active": "y",
    }  # fmt: skip
    assert post(admin, "/settings/mailboxes/new", **form).status_code == 302
    kept = db.session.scalars(select(Mailbox).where(Mailbox.address == "help@desk.example")).one()
    assert (kept.user_name, kept.folder, kept.is_active) == ("help@desk.example", "INBOX", True)
    shown = text_of(admin.get(f"/settings/mailboxes/{kept.id}"))
    assert "very secret" not in shown
    assert kept.password not in shown
    wrong = text_of(post(admin, "/settings/mailboxes/new", address="x", password="p"), 422)
    assert "Server: write its name" in wrong
    assert 'value="p"' not in wrong


def test_templates_are_previewed_saved_and_taken_back(admin):
    path = "/settings/mail-templates/answered"
    words = {"subject": "About {subject}", "body": "Hello {recipient}\n\n{message}"}
    preview = text_of(post(admin, path, do="preview", **words))
    assert "[#1042] About The printer is on fire" in preview
    assert "Hello Mira Lund" in preview
    assert db.session.scalars(select(MailTemplate)).all() == []
    refused = text_of(post(admin, path, do="save", subject="{nope}", body=HOSTILE), 422)
    assert "{nope}, which this mail does not know" in refused
    assert "lacks {message}" in refused
    assert "<script>alert(1)" not in refused
    assert post(admin, path, do="save", **words).status_code == 302
    assert "Your own" in text_of(admin.get("/settings/mail-templates"))
    assert post(admin, path, do="reset", **words).status_code == 302
    assert db.session.scalars(select(MailTemplate)).all() == []
    assert admin.get("/settings/mail-templates/nothing").status_code == 404


def test_of_two_who_change_the_words_of_a_mail_the_later_is_asked(app, admin):
    path = "/settings/mail-templates/added"
    other = signed_in(app, person("Admin"))

    def seen(page):
        return re.search(r'name="shown" value="(\w+)"', page)[1]

    mark = seen(text_of(admin.get(path)))
    theirs = {"subject": "Theirs", "body": "Their own words"}
    assert post(other, path, do="save", shown=mark, **theirs).status_code == 302
    mine = {"subject": "Mine", "body": "My own words"}
    looked = text_of(post(admin, path, do="preview", shown=mark, **mine))
    assert seen(looked) == mark, "a preview is no look at what stands there"
    asked = text_of(post(admin, path, do="save", shown=mark, **mine), 409)
    assert "Somebody else changed these words" in asked
    assert "Their own words" in asked
    assert "My own words" in asked
    text_of(post(admin, path, do="reset", shown=mark, **mine), 409)
    assert db.session.scalars(select(MailTemplate.subject)).all() == ["Theirs"]
    assert post(admin, path, do="save", shown=seen(asked), **mine).status_code == 302
    db.session.rollback()
    assert db.session.scalars(select(MailTemplate.subject)).all() == ["Mine"]


def test_empty_pages_say_what_to_do(app):
    with unit_of_work():
        make.set_up_agency()
    browser = signed_in(app, person("Admin"))
    assert "No mailbox is read" in text_of(browser.get("/inbox/"))
    assert "No mailbox yet" in text_of(browser.get("/settings/mailboxes"))


def test_a_mail_without_a_sender_is_not_offered_to_be_accepted(agent):
    assert take(b"nonsense")["rule"] == "no-sender"
    found = db.session.scalars(select(Received)).one()
    page = text_of(agent.get(f"/inbox/{found.id}"))
    assert "Leave it" in page
    assert f"/inbox/{found.id}/accept" not in page
