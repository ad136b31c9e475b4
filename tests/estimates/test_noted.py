"""What a client told staff of an offer: it counts, and the client's people are told of it."""

from datetime import timedelta

from sqlalchemy import select, update

from app.communications import handing_on
from app.companies.models import Contact
from app.core import clock
from app.core.db import db, unit_of_work
from app.core.models import AuditLog, Mail
from app.estimates import commands, papers
from app.estimates.models import Estimate
from app.tickets.models import Event
from app.tickets.subscribing import ensure_subscribed
from tests import factories as make
from tests.estimates.conftest import link
from tests.estimates.test_optional import CHOICE, WITH_TRAINING, waiting
from tests.estimates.test_papers import pdf, words_of
from tests.estimates.test_proof import fault
from tests.portal.acting import sent
from tests.web.people import client_in, signed_in, visitor


def note(world, *, version: int = 1, **fields: str):
    """The form as staff send it; they heard it today by phone."""
    today = clock.today("Europe/Berlin").isoformat()
    typed = {"do": "answer", "by": "Mira Krog", "how": "phone", "on": today, **fields}
    browser = signed_in(world.app, world.user)
    return browser.post(f"/tickets/{world.number}/estimate/{version}/note", data=sent(**typed))


def newest() -> Estimate:
    db.session.rollback()
    return db.session.scalars(select(Estimate).order_by(Estimate.version.desc())).first()


def told() -> list[tuple[str, str]]:
    db.session.rollback()
    return [(each.recipient_name, each.subject) for each in db.session.scalars(select(Mail))]


def test_what_was_said_by_phone_counts_and_the_clients_people_are_told(world):
    world.offer(*CHOICE)
    with unit_of_work():
        ensure_subscribed(world.ticket(), contact_id=world.bo.id, source="colleague")
        db.session.execute(update(Contact).values(language="de").where(Contact.id == world.bo.id))
        world.ticket().assignee_id = make.staff("Dev", email="dev@agency.example").id
    before = told()
    assert note(world, chosen="3", purchase_order="4711", text="Go on").status_code == 302
    found = newest()
    assert (found.state, found.ended_by) == ("approved", "Mira Krog")
    assert (found.chosen, found.total_minor) == ([3], WITH_TRAINING)
    assert [text for text, _ in waiting()] == [f"#{world.number} Typeface, PO 4711"]
    event = db.session.scalars(select(Event).where(Event.kind == "action")).all()[-1]
    assert (event.actor_name, event.visibility) == (world.staff.name, "client")
    assert event.payload["line"].startswith("noted: Mira Krog approved the estimate (by phone, ")
    line = db.session.scalars(select(AuditLog).filter_by(action="action.note.answer")).one()
    assert (line.after["by"], line.after["hash"]) == ("Mira Krog", found.action.content_hash)
    new = dict(each for each in told() if each not in before)
    assert new.keys() == {"Mira Krog", "Bo Lund", "Dev"}, "nor who noted it"
    assert f"Mira Krog approved the estimate by phone, as {world.staff.name} noted" in new["Dev"]
    assert all(subject.startswith("Notification: ") for subject in new.values())
    assert "We noted an answer" in new["Mira Krog"]
    assert "Wir haben eine Antwort vermerkt" in new["Bo Lund"]
    assert fault() == ""
    heard = f"Told to {world.staff.name} by phone on"
    assert heard in words_of(pdf())
    for page in (
        signed_in(world.app, world.user).get(f"/tickets/{world.number}/estimate"),
        client_in(world.app, world.mira).get(f"/portal/requests/{world.number}"),
        visitor(world.app).get(link(found)),
    ):
        assert heard in page.get_data(as_text=True)


def test_a_refusal_on_the_clients_word_keeps_its_reason(world):
    world.offer()
    assert note(world, do="decline", text="They wait until spring").status_code == 302
    assert (newest().state, newest().reason) == ("declined", "They wait until spring")


def test_all_that_is_missing_is_said_at_once_and_nothing_is_noted(world):
    world.offer()
    tomorrow = (clock.today("Europe/Berlin") + timedelta(days=1)).isoformat()
    refused = note(world, do="decline", by=" ", how="rumour", on=tomorrow, purchase_order="PO-8")
    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    for words in ("who answered", "how they told", "still to come", "reason is missing", "PO-8"):
        assert words in page
    assert note(world, version=2).status_code == 404
    assert world.states() == ["sent"]
    assert not [name for name, subject in told() if "noted" in subject]


def test_what_the_client_answered_meanwhile_stays(world):
    world.offer()
    world.answer()
    refused = note(world, do="decline", text="No")
    assert refused.status_code == 422
    assert "Version 1 of the estimate is approved" in refused.get_data(as_text=True)
    assert world.states() == ["approved"]


def test_a_note_before_it_was_asked_or_after_it_was_over_is_refused(world):
    estimate = world.offer(days=1)
    early = (clock.today("Europe/Berlin") - timedelta(days=1)).isoformat()
    assert "it was asked on" in note(world, on=early).get_data(as_text=True)
    with clock.frozen(estimate.action.due_at):
        assert "is over: ask once more" in note(world).get_data(as_text=True)
    assert world.states() == ["sent"]
    assert papers.file_of(newest()) is None


def test_what_was_heard_before_somebody_else_was_asked_counts(world):
    """Handing on asks the same again: the day of the first asking stands."""
    offer, today = world.offer(), clock.today("Europe/Berlin")
    with clock.frozen(clock.now() + timedelta(days=4)):
        with unit_of_work():
            action = commands.held(offer.action_id)
            handing_on.ask_instead(action, actor=world.ada, contact_id=world.bo.id, due_on=None)
        note(world, on=str(today - timedelta(days=1)))
        assert newest().state == "sent", "that is before it was asked at all"
        assert note(world, on=str(today + timedelta(days=2))).status_code == 302
    assert newest().state == "approved"
