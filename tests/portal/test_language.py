"""Clients read pages and mails in their language; staff, and what is kept, stay English."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from app.billing.agency import Particulars, change_agency
from app.communications import actions, replytext
from app.communications.action_models import ActionRequest
from app.companies import accounts, links, people, queries
from app.companies import commands as companies
from app.companies.account_models import PortalAccount, Registration
from app.companies.models import Contact
from app.core import clock, formats, language
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.tickets import commands, mail_commands, timeline
from app.tickets.mailtext import ABOVE
from app.tickets.models import Event
from app.tickets.subscribing import ensure_subscribed
from app.tickets.timeline import Note
from tests import factories as make
from tests.communications.asking import link, now_is
from tests.portal.acting import STAFF, link_in, mails, sent
from tests.portal.test_door import NEW, email_of, text_of
from tests.portal.test_viewing import looking_as
from tests.web.people import client_in, person, signed_in, visitor

DUE = clock.today() + timedelta(days=3)
BRITISH = {"Accept-Language": "en-GB"}
GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


def reads(contact, language: str) -> None:
    """The contact has chosen a language."""
    with unit_of_work():
        db.session.execute(
            update(Contact).where(Contact.id == contact.id).values(language=language)
        )


def test_a_client_chooses_a_language_and_reads_it_from_then_on(app, northwind):
    mira = client_in(app, northwind.mira)
    profile = text_of(mira.get("/portal/profile"))
    assert '<html lang="en"' in profile
    assert '<option value="de">Deutsch</option>' in profile
    mira.post("/portal/profile", data=sent(name="Mira Krog", language="de"))
    page = text_of(mira.get("/portal/profile"))
    assert '<html lang="de"' in page
    assert "Gespeichert." in page
    assert "Ihr Profil" in page
    assert '<option value="NO">Norwegen</option>' in page
    refused = text_of(mira.post("/portal/profile", data=sent(name="", language="xx")))
    assert "Sprache: xx: bitte wählen Sie eine Möglichkeit der Liste." in refused
    missing = mira.get("/portal/requests/999999")
    assert "Hier ist nichts" in text_of(missing)


def test_visitors_read_what_their_browser_asks_for_and_staff_english(app, northwind):
    browser = visitor(app)
    page = text_of(browser.get("/portal/sign-in", headers=GERMAN))
    assert '<html lang="de"' in page
    assert "Passwort vergessen?" in page
    assert "Forgotten your password?" in text_of(browser.get("/portal/sign-in"))
    desk = text_of(signed_in(app, person("Agent")).get("/tickets/", headers=GERMAN))
    assert '<html lang="en"' in desk
    assert "Skip to content" in desk


def test_who_looks_as_a_contact_sees_the_contacts_language(app, northwind):
    reads(northwind.mira, "de")
    page = text_of(looking_as(app, northwind.mira).get("/portal/"))
    assert "Ihre offenen Anfragen" in page
    assert "You see the portal as" in page


def test_an_account_begins_in_the_language_of_the_browser_it_is_opened_in(app, northwind):
    with unit_of_work():
        bo = northwind.bo
        db.session.execute(
            update(PortalAccount).where(PortalAccount.contact_id == bo.id).values(password=None)
        )
        secret = links.make("invitation", email=email_of(bo), contact_id=bo.id)
    browser = visitor(app)
    browser.post(f"/portal/link/{secret}", data={"name": "Bo", "password": NEW}, headers=GERMAN)
    db.session.rollback()
    assert people.contact_of(bo.id).language == "de"
    form = {"email": "ute@b.example", "name": "Ute", "company": "Beta"}
    browser = visitor(app)
    browser.post("/portal/register", data=form, headers=GERMAN)
    mail = mails()[-1]
    assert mail.subject == "ACTION: E-Mail-Adresse für Fjord & Partners bestätigen"
    assert mail.body.startswith("Guten Tag Ute,\n\nvielen Dank")
    assert '<html lang="de">' in mail.html
    assert link_in(mail)


def test_a_language_that_nobody_chose_is_not_kept(app, northwind):
    """Not where a browser asks for none of ours, nor when the profile is saved as it stands."""
    with unit_of_work():
        northwind.company.language = "de"
        nora = make.contact(northwind.company, "Nora Dahl")
        accounts.invite(STAFF, nora)
    invitation = link_in(mails()[-1])
    dutch = {"Accept-Language": "nl"}
    visitor(app).post(invitation, data={"how": "link"}, headers=dutch)
    assert people.contact_of(nora.id).language is None
    form = {"email": "ute@b.example", "name": "Ute", "company": "Beta"}
    visitor(app).post("/portal/register", data=form, headers=dutch)
    asked = db.session.scalars(select(Registration)).one()
    assert asked.language is None
    mira = client_in(app, northwind.mira)
    page = text_of(mira.get("/portal/profile"))
    assert '<option value="">Wie in meiner Firma</option>' in page
    assert '<option value="de" selected>' not in page
    mira.post("/portal/profile", data=sent(name="Mira Krog", language=""))
    db.session.rollback()
    assert people.contact_of(northwind.mira.id).language is None
    reads(northwind.mira, "fr")
    assert '<option value="fr" selected>' in text_of(mira.get("/portal/profile"))
    mira.post("/portal/profile", data=sent(name="Mira Krog", language=""))
    db.session.rollback()
    assert people.contact_of(northwind.mira.id).language is None


def test_each_reader_of_a_mail_has_their_language(app, northwind):
    reads(northwind.mira, "de")
    with unit_of_work():
        ensure_subscribed(northwind.ticket, contact_id=northwind.bo.id, source="colleague")
        commands.reply(northwind.ticket, actor=STAFF, text="We are on it.")
    found = {mail.recipient_name: mail for mail in mails() if "We are on it." in mail.body}
    assert "Im Portal sehen Sie die Anfrage und antworten darauf:" in found["Mira Krog"].body
    assert '<html lang="de">' in found["Mira Krog"].html
    assert "See the request, answer it, and stop its mails in the portal:" in found["Bo Lund"].body


WHOLE = """\
We are on it.

Ann Agent
Fjord & Partners

--\x20
Im Portal sehen Sie die Anfrage, antworten und bestellen ihre E-Mails ab:
http://127.0.0.1:8080/portal/requests/{number}

Am {at} schrieb Mira Krog:
> Nothing arrives since Monday.
"""


def german_agency() -> None:
    with unit_of_work():
        change_agency(Particulars(language="de"), actor=STAFF)


def test_whose_language_nobody_knows_reads_that_of_the_agency(app, northwind):
    german_agency()
    with unit_of_work():
        gil = make.contact(northwind.company, "Gil Gast")
        accounts.ensure_account(gil.id)
        ensure_subscribed(northwind.ticket, contact_id=gil.id, source="colleague")
        commands.reply(northwind.ticket, actor=STAFF, text="We are on it.")
    mail = next(mail for mail in mails() if mail.recipient_name == "Gil Gast")
    at = re.search(r"\d+\. \w+ \d{4} um \d\d:\d\d", mail.body)[0]
    assert mail.body == WHOLE.format(number=northwind.ticket.number, at=at)
    with unit_of_work():
        accounts.invite(STAFF, gil)
    invitation = mails()[-1]
    assert invitation.subject.startswith("ACTION: Ihr Zugang zum Portal")
    assert invitation.body.startswith("Guten Tag Gil Gast,")
    japanese = visitor(app).get("/portal/sign-in", headers={"Accept-Language": "ja"})
    assert '<html lang="de"' in text_of(japanese)
    assert '<html lang="en"' in text_of(visitor(app).get("/portal/sign-in", headers=BRITISH))
    assert '<html lang="de"' in text_of(client_in(app, northwind.bo).get("/portal/"))


def test_a_language_is_the_persons_else_the_companys_else_the_agencys(app, northwind):
    german_agency()
    with unit_of_work():
        companies.change_company(STAFF, db.session.merge(northwind.company), {"language": "fr"})
        people.change_contact(STAFF, people.contact_of(northwind.bo.id), {"language": "es"})
    mira, bo, una = northwind.mira.id, northwind.bo.id, northwind.una.id
    found = queries.readings_of([mira, bo, None])
    assert {each: reads.language for each, reads in found.items()} == {mira: "fr", bo: "es"}
    assert '<html lang="fr"' in text_of(client_in(app, northwind.una).get("/portal/"))
    listed = text_of(client_in(app, northwind.una).get("/portal/requests/"))
    assert "Ouvertes" in listed, "several requests are open, not one"
    with pytest.raises(RuleError, match="Language: xx"):
        people.change_contact(STAFF, people.contact_of(una), {"language": "xx"})


def ask(northwind) -> ActionRequest:
    with unit_of_work():
        return actions.ask(
            northwind.ticket,
            actor=STAFF,
            kind="approve",
            contact_id=northwind.mira.id,
            text="Is this right?",
            due_on=DUE,
        )


def test_what_is_asked_is_told_in_german_and_kept_in_english(app, northwind):
    reads(northwind.mira, "de")
    action = ask(northwind)
    mail = mails()[-1]
    assert mail.subject.startswith("ACTION: [#")
    assert f"] Wir brauchen Ihre Antwort bis {formats.day(DUE, 'de')}: " in mail.subject
    assert "Freigeben oder ablehnen" in mail.html
    mira = client_in(app, northwind.mira)
    there = f"/portal/actions/{action.id}"
    refused = text_of(mira.post(there, data=sent(do="decline")))
    assert "Die Begründung fehlt" in refused
    mira.post(there, data=sent(do="answer"))
    page = text_of(mira.get(f"/portal/requests/{northwind.ticket.number}"))
    assert f"bittet Mira Krog um Freigabe bis {formats.day(DUE, 'de')}" in page
    assert "hat zugestimmt" in page
    lines = db.session.scalars(
        select(Event.payload["line"].as_string()).where(Event.kind == "action").order_by(Event.seq)
    ).all()
    assert lines == [f"asked Mira Krog to approve by {formats.day(DUE)}", "approved it"]
    desk = text_of(signed_in(app, person("Agent")).get(f"/tickets/{northwind.ticket.number}"))
    assert f"asked Mira Krog to approve by {formats.day(DUE)}" in desk
    assert "approved it" in desk


def test_a_mailed_link_goes_on_in_the_language_and_zone_of_its_reader(app, northwind):
    """What the browser asks for counts only where nobody knows what they read."""
    french = {"Accept-Language": "fr"}
    action = ask(northwind)
    page = text_of(visitor(app).get(link(action), headers=french))
    assert '<html lang="fr"' in page
    assert f"{formats.day(DUE, 'fr')} ({action.zone})" not in page
    reads(northwind.mira, "de")
    with unit_of_work():
        people.contact_of(northwind.mira.id).zone = "Asia/Tokyo"
    page = text_of(visitor(app).get(link(action), headers=french))
    assert '<html lang="de"' in page
    assert f"{formats.day(DUE, 'de')} ({action.zone})" in page, "its day ends there, not here"
    page = text_of(visitor(app).post(link(action), data={"do": "answer"}, headers=french))
    assert '<html lang="de"' in page
    at = formats.long_instant(now_is(action).ended_at, "Asia/Tokyo", "de")
    assert f"{at}</time> (Asia/Tokyo)" in page
    page = text_of(client_in(app, northwind.mira).get(f"/portal/actions/{action.id}"))
    assert f"{at}</time> (Asia/Tokyo)" in page
    with unit_of_work():
        accounts.mail_link(email_of(northwind.mira), "sign_in")
    page = text_of(visitor(app).get(link_in(mails()[-1]), headers=french))
    assert '<html lang="de"' in page


def test_words_of_the_agency_stay_as_they_wrote_them(app, northwind):
    reads(northwind.mira, "de")
    with unit_of_work():
        mail_commands.save_template(
            "asked", subject="Please help", body="Hey {recipient}: {message}", actor=STAFF
        )
    ask(northwind)
    mail = mails()[-1]
    assert mail.subject.endswith("] Please help")
    assert "Hey Mira Krog: Is this right?" in mail.body


MOMENTS = {
    "en": ("23 Nov 2026, 01:01", "On 23 November 2026 at 01:01, {by} wrote:"),
    "de": ("23. Nov. 2026, 01:01", "Am 23. November 2026 um 01:01 schrieb {by}:"),
    "fr": ("23 nov. 2026, 01:01", "Le 23 novembre 2026 à 01:01, {by} a écrit\u00a0:"),
    "es": ("23 nov 2026, 1:01", "El 23 de noviembre de 2026 a las 1:01, {by} escribió:"),
}


@pytest.mark.parametrize("code", MOMENTS)
def test_a_moment_is_told_in_language_and_zone_of_who_reads_it(app, northwind, code):
    """On pages, in what a script writes into them, and in the quotes of mails."""
    at = datetime(2026, 11, 22, 16, 1, tzinfo=UTC)
    with unit_of_work():
        bo = people.contact_of(northwind.bo.id)
        bo.language, bo.zone = code, "Asia/Tokyo"
        ensure_subscribed(northwind.ticket, contact_id=bo.id, source="colleague")
        told = Note(northwind.ticket.id, "message", {"text": "It is night."}, "client", at)
        timeline.append_many([told], actor=STAFF)
        commands.reply(northwind.ticket, actor=STAFF, text="We are on it.")
    short, heading = MOMENTS[code][0], MOMENTS[code][1].format(by=STAFF.name)
    browser = client_in(app, bo)
    page = text_of(browser.get(f"/portal/requests/{northwind.ticket.number}"))
    assert f'<time datetime="2026-11-22T16:01:00+00:00">{short}</time>' in page
    mail = next(mail for mail in mails() if mail.recipient_name == "Bo Lund")
    assert heading in mail.body
    assert heading in mail.html
    assert replytext.split(f"Yes.\n\n{heading}\n\n> It is night.").visible == "Yes."
    saved = browser.post("/portal/requests/draft", data=sent(subject="Lo")).json
    tokyo = clock.now().astimezone(ZoneInfo("Asia/Tokyo"))
    minutes = {formats.time_of_day(tokyo - timedelta(minutes=ago), None, code) for ago in (0, 1)}
    assert saved["at"] in minutes


@pytest.mark.parametrize("code", sorted(language.OFFERED))
def test_what_stands_under_our_line_is_no_part_of_an_answer(app, code):
    with app.app_context(), language.reading(code):
        line = f"-- {language.told(ABOVE)} --"
    assert replytext.split(f"Yes.\n\n> {line}\n{line}\nold words").visible.strip() == "Yes."
