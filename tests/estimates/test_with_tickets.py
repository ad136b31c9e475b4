"""Estimates of tickets that close, open again, merge, or whose payer changes."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.billing.models import ExtraLine
from app.communications import handing_on
from app.communications.action_models import ActionRequest
from app.companies import accounts
from app.companies.models import Contact
from app.companies.visibility import viewer_of
from app.core import clock
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import Mail
from app.estimates import commands
from app.estimates import queries as estimates
from app.estimates.models import Estimate
from app.estimates.rules import Line
from app.tickets import bulk, joining, queries, undoing
from app.tickets.commands import reply
from app.tickets.models import Event, Ticket
from app.timelog.commands import log_time, move_ticket
from app.timelog.rules import Work
from tests import factories as make
from tests.billing.issued import issued
from tests.estimates.conftest import HOUR, carry_out_jobs, link
from tests.web.people import client_in, signed_in, visitor

TEN_HOURS = Line(0, "time", "Design", 0, 10 * HOUR)


def newest(ticket_id: int) -> Estimate:
    db.session.rollback()
    query = select(Estimate).filter_by(ticket_id=ticket_id).order_by(Estimate.version.desc())
    return db.session.scalars(query).first()


def close_many(world) -> int:
    with unit_of_work():
        done = queries.first_status("completed")
        return bulk.set_status_many([world.ticket_id], actor=world.ada, status=done).undo_id


def undo(world, change_id: int) -> list[str]:
    with unit_of_work():
        return list(undoing.undo(change_id, actor=world.ada).said)


def other_ticket(world, subject: str = "The same thing") -> Ticket:
    with unit_of_work():
        return make.ticket(world.company, subject, requester_id=world.bo.id)


def merge(world, duplicate_id: int, into_id: int) -> None:
    with unit_of_work():
        both = {one.id: one for one in queries.locked_by_id([duplicate_id, into_id])}
        joining.merge(both[duplicate_id], both[into_id], actor=world.ada)


def log_on(world, ticket_id: int, seconds: int) -> None:
    with unit_of_work():
        log_time(
            Work(seconds=seconds), actor=world.ada, staff_id=world.staff.id, ticket_id=ticket_id
        )
    carry_out_jobs()


def test_undoing_a_bulk_close_offers_again_what_it_withdrew(world):
    first = world.offer(TEN_HOURS, Line(0, "fixed", "Print", 900, is_optional=True))
    valid_until = first.valid_until
    change_id = close_many(world)
    assert world.states() == ["withdrawn"]
    said = undo(world, change_id)
    assert said == [f"The estimate of #{world.number} is offered again, as version 2."]
    assert world.states() == ["superseded", "sent"]
    found = newest(world.ticket_id)
    assert (found.valid_until, found.optional_keys) == (valid_until, [2])
    assert found.action.contact_id == world.mira.id
    asked = select(Mail).where(Mail.subject.startswith("ACTION")).order_by(Mail.id)
    assert len(db.session.scalars(asked).all()) == 2
    world.answer()


def test_undoing_a_bulk_close_says_when_the_offer_cannot_come_back(world):
    world.offer()
    change_id = close_many(world)
    with unit_of_work():
        world.ticket().company.currency = "USD"
    [said] = undo(world, change_id)
    assert said.startswith(f"The estimate of #{world.number} stays withdrawn: Version 1 is in EUR")
    assert world.states() == ["withdrawn"]
    assert world.ticket().category != "completed"


def test_undoing_a_bulk_close_leaves_alone_what_was_withdrawn_before(world):
    world.offer()
    with unit_of_work():
        commands.withdraw(world.ticket(), actor=world.ada)
    change_id = close_many(world)
    assert undo(world, change_id) == []
    assert world.states() == ["withdrawn"]


def test_undoing_another_bulk_change_leaves_alone_what_somebody_withdrew_since(world):
    world.offer()
    with unit_of_work():
        nobody = bulk.assign_many([world.ticket_id], actor=world.ada, assignee_id=None)
    with unit_of_work():
        commands.withdraw(world.ticket(), actor=world.ada)
    with pytest.raises(RuleError, match="was changed since"):
        undo(world, nobody.undo_id)
    db.session.rollback()
    assert world.states() == ["withdrawn"]


def test_an_approved_estimate_goes_on_where_its_ticket_is_merged_to(world):
    world.approved(TEN_HOURS)
    world.log(2 * HOUR)
    home = other_ticket(world)
    merge(world, world.ticket_id, home.id)
    log_on(world, home.id, 5 * HOUR)
    db.session.rollback()
    [(_, burn)] = estimates.burning([home.id])
    assert (burn.used_seconds, burn.used_minor) == (7 * HOUR, 70_000)
    log_on(world, home.id, HOUR)
    db.session.rollback()
    told = db.session.scalars(select(Event).where(Event.kind == "estimate")).all()
    assert [(each.ticket_id, each.payload["level"]) for each in told] == [(home.id, 80)]

    further = other_ticket(world, "All of it")
    merge(world, home.id, further.id)
    log_on(world, further.id, HOUR)
    db.session.rollback()
    [(_, burn)] = estimates.burning([further.id])
    assert burn.percent == 90

    browser = signed_in(world.app, world.user)
    for path in (f"/tickets/{further.number}", f"/tickets/{further.number}/estimate"):
        page = browser.get(path).get_data(as_text=True)
        assert f"#{world.number}" in page
        assert "90 %" in page
    with unit_of_work():
        make.set_up_agency(portal_shows_time=True)
    page = client_in(world.app, world.mira).get(f"/portal/requests/{further.number}")
    assert f"version 1: approved (#{world.number})" in page.get_data(as_text=True)
    assert "90 %" in page.get_data(as_text=True)
    page = client_in(world.app, world.bo).get(f"/portal/requests/{further.number}")
    assert "version 1: approved" not in page.get_data(as_text=True), (
        "prices are for those who may see them"
    )


def test_time_of_before_the_merge_and_of_an_estimate_of_its_own_does_not_count(world):
    world.approved(TEN_HOURS)
    home = other_ticket(world)
    log_on(world, home.id, HOUR)
    later = clock.now() + timedelta(days=3)
    with clock.frozen(later):
        merge(world, world.ticket_id, home.id)
        log_on(world, home.id, 2 * HOUR)
        db.session.rollback()
        [(_, burn)] = estimates.burning([world.ticket_id])
        assert burn.used_seconds == 2 * HOUR
        with unit_of_work():
            ticket = db.session.get_one(Ticket, home.id, with_for_update=True)
            commands.save_draft(
                ticket, actor=world.ada, lines=[TEN_HOURS], note="",
                valid_until=later.date() + timedelta(days=9),
            )  # fmt: skip
            commands.send(ticket, actor=world.ada, contact_id=world.mira.id)
        world.ticket_id = home.id
        world.answer()
        db.session.rollback()
        found = {
            each.ticket.number: burn.used_seconds for each, burn in estimates.burning([home.id])
        }
    assert found == {world.number: 0, home.number: 2 * HOUR}


def test_two_tickets_with_approved_work_each_are_not_merged(world):
    world.approved(TEN_HOURS)
    home = other_ticket(world)
    own, world.ticket_id = world.ticket_id, home.id
    world.approved(TEN_HOURS)
    with pytest.raises(RuleError, match="both have an approved estimate"):
        merge(world, own, home.id)
    db.session.rollback()
    assert db.session.get_one(Ticket, own).merged_into_id is None


def test_the_ticket_where_it_goes_on_stays_with_the_company_too(world):
    world.approved(TEN_HOURS)
    home = other_ticket(world)
    merge(world, world.ticket_id, home.id)
    with unit_of_work():
        other = make.company("Other")
    with pytest.raises(RuleError, match="stays with them"), unit_of_work():
        ticket = db.session.get_one(Ticket, home.id, with_for_update=True)
        move_ticket(ticket, actor=world.ada, company_id=other.id)


def test_a_revision_for_a_payer_of_another_currency_is_compared_in_words_of_both(world):
    world.offer()
    world.answer("decline", text="Too dear")
    with unit_of_work():
        payer = make.company("Holding", currency="USD")
        make.tax("7", of=payer)
        make.rate("110", currency="USD")
        make.bill_to(world.ticket().company, payer)
    refused = pytest.raises(RuleError, match="is in EUR and Northwind is billed in USD now")
    with refused, unit_of_work():
        commands.offer_again(world.ticket(), actor=world.ada)
    browser = signed_in(world.app, world.user)
    at = f"/tickets/{world.number}/estimate"
    form = browser.get(f"{at}/edit").get_data(as_text=True)
    assert "Licence of the typeface" in form
    assert 'value="200.00"' not in form, "an amount in euros is none in dollars"
    world.draft(
        Line(1, "time", "Design of the logo", 0, 10 * HOUR),
        Line(2, "fixed", "Licence of the typeface", 20_000),
    )
    shown = estimates.versions(world.ticket_id)[0]
    assert (shown.estimate.currency, shown.estimate.tax_minor) == ("USD", 9_100)
    assert [change.what for change in shown.changes] == ["changed", "changed"]
    page = browser.get(at).get_data(as_text=True)
    assert "10:00 h at 100.00, EUR 1,000.00" in page
    assert "EUR 200.00" in page
    assert "Version 1 came to EUR\u00a01,428.00" in page
    assert "Paid by Holding, before by Northwind." in page


def test_what_is_billed_to_one_payer_is_not_changed_at_the_cost_of_another(world):
    world.approved()
    world.draft(Line(2, "fixed", "Typeface", 30_000))
    with unit_of_work():
        payer = make.company("Holding")
        make.tax("19", of=payer)
        make.bill_to(world.ticket().company, payer)
    world.draft(Line(2, "fixed", "Typeface", 30_000))  # nothing is billed yet: it moves
    with unit_of_work():
        waiting = db.session.scalars(select(ExtraLine)).one()
        waiting.document_id = issued(waiting.account).id
    with pytest.raises(RuleError, match="billed to Northwind already, and another company pays"):
        world.send()
    assert world.states() == ["approved", "draft"]


def test_somebody_else_is_asked_to_approve_the_same_offer(world):
    offered = world.offer(TEN_HOURS, to=world.mira)
    with unit_of_work():
        action = commands.held(offered.action_id)
        handing_on.ask_instead(action, actor=world.ada, contact_id=world.bo.id, due_on=None)
        assert action.due_on == offered.valid_until, "the offer's day stays"
    to_bo = str(world.bo.emails[0].address)
    asked = db.session.scalars(select(Mail).where(Mail.recipient == to_bo)).one()
    assert "EUR 1,190.00" in asked.subject
    world.answer(by=world.bo)
    assert newest(world.ticket_id).state == "approved"


@pytest.mark.parametrize("role", ["approver", "manager"])
def test_who_was_asked_before_answers_by_the_old_link_no_more(world, role):
    """Though they see the offer: by the link they would answer in the new person's name."""
    with unit_of_work():
        eva = make.contact(world.company, "Eva Berg", role=role)
    offered = world.offer(TEN_HOURS, to=eva)
    old, browser = link(offered), visitor(world.app)
    with unit_of_work():
        action = commands.held(offered.action_id)
        handing_on.ask_instead(action, actor=world.ada, contact_id=world.bo.id, due_on=None)
    for answer in (
        browser.get(old),
        browser.post(old, data={"do": "answer"}),
        browser.get(f"{old}/estimate.pdf"),
    ):
        assert answer.status_code == 404
        assert "This link works no more" in answer.text
    assert newest(world.ticket_id).state == "sent"
    assert browser.post(link(offered), data={"do": "answer"}).status_code == 200
    assert newest(world.ticket_id).ended_by == "Bo Lund"
    assert browser.get(f"{link(offered)}/estimate.pdf").status_code in {200, 202}


@pytest.mark.parametrize(("kind", "hears"), [("company", []), ("department", ["Hal Top"])])
def test_only_who_approves_for_the_company_is_told_that_who_was_asked_has_left(world, kind, hears):
    """An approver reaches departments and sites; another company below is not theirs to see."""
    with unit_of_work():
        holding = make.company("Holding")
        hal = make.contact(holding, "Hal Top", role="approver")
        company = world.ticket().company
        company.parent_id, company.kind = holding.id, kind
        db.session.get_one(Contact, world.vera.id).archived_at = clock.now()
    world.offer()
    with unit_of_work():
        db.session.get_one(Contact, world.mira.id).archived_at = clock.now()
    handing_on.tell_of_leaving(step=unit_of_work)
    db.session.rollback()
    to_hal = select(Mail.recipient_name).where(Mail.recipient == str(hal.emails[0].address))
    assert list(db.session.scalars(to_hal)) == hears
    assert (viewer_of(hal.id).approves_for >= {world.company.id}) == bool(hears)


def test_offered_is_first_to_who_can_approve(world):
    """Not to one who was shut out; of a department, to the approver of the company above it."""
    with unit_of_work():
        assert estimates.approver_of(world.ticket()) == world.vera.id
        accounts.close(world.ada, db.session.get_one(Contact, world.vera.id))
        assert estimates.approver_of(world.ticket()) == world.mira.id
        holding = make.company("Holding")
        hal = make.contact(holding, "Hal Top", role="approver")
        company = world.ticket().company
        company.parent_id, company.kind = holding.id, "department"
        db.session.flush()
        assert estimates.approver_of(world.ticket()) == hal.id


def test_an_approver_who_does_not_follow_is_led_to_the_estimate_and_told_nothing_else(world):
    """The ticket is not theirs to see; the offer is."""
    world.offer(TEN_HOURS)
    with unit_of_work():
        reply(world.ticket(), actor=world.ada, text="The printer in room 7 is Mira's own.")
        action = db.session.scalars(select(ActionRequest)).one()
        db.session.get_one(Contact, world.mira.id).archived_at = clock.now()
    handing_on.tell_of_leaving(step=unit_of_work)
    db.session.rollback()
    to_vera = select(Mail).where(Mail.recipient == str(world.vera.emails[0].address))
    told = db.session.scalars(to_vera).one()
    browser = client_in(world.app, world.vera)
    assert browser.get(f"/portal/requests/{world.number}").status_code == 404
    led_to = set(re.findall(r"/portal/[\w/-]+", f"{told.body} {told.html}"))
    assert led_to == {f"/portal/actions/{action.id}"}
    assert browser.get(led_to.pop()).status_code == 200
    assert "room 7" not in f"{told.body} {told.html}"
    assert "stop its mails" not in told.body
