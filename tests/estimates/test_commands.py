"""An estimate from the draft to its end: priced, frozen, decided once, offered again, billed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app.billing.commands import extras
from app.billing.commands.credit import void_invoice
from app.billing.models import Document, ExtraLine
from app.communications import action_deadlines, actions
from app.communications.action_models import ActionRequest
from app.core import clock
from app.core.db import db, unit_of_work
from app.core.errors import RuleError, StaleError
from app.core.models import Mail
from app.estimates import commands
from app.estimates import queries as estimates
from app.estimates.models import Estimate
from app.estimates.rules import Line
from app.tickets import bulk, joining, queries
from app.tickets.commands import change_status
from app.tickets.models import Event
from app.timelog.commands import move_ticket
from tests import factories as make
from tests.billing.desk import assert_books, compiled, issued
from tests.estimates.conftest import HOUR, OFFER, link
from tests.web.people import client_in, visitor


def mails(**where) -> list[Mail]:
    db.session.rollback()
    return list(db.session.scalars(select(Mail).filter_by(**where).order_by(Mail.id)))


def waiting() -> list[tuple[str, Decimal]]:
    """Text and amount of the lines that wait for the next invoice."""
    db.session.rollback()
    rows = db.session.scalars(
        select(ExtraLine).filter_by(document_id=None, removed_at=None).order_by(ExtraLine.id)
    )
    return [(row.text, row.unit_price) for row in rows]


def test_hours_are_priced_and_taxed_as_an_invoice_would_be(world):
    with unit_of_work():
        make.rate("120", company_id=world.company.id, minimum_seconds=900, increment_seconds=900,
                  rounding="up")  # fmt: skip
    draft = world.draft(Line(0, "time", "Design", 0, 3_700), Line(0, "fixed", "Typeface", 20_000))
    hours, fixed = draft.lines
    assert (hours.billed_seconds, hours.rate, hours.amount_minor) == (4_500, 120, 15_000)
    assert "EUR 120.00 an hour for Northwind" in hours.rule
    assert (fixed.amount_minor, fixed.rate_rule_id) == (20_000, None)
    assert (draft.net_minor, draft.tax_minor, draft.total_minor) == (35_000, 6_650, 41_650)
    assert (draft.work_seconds, draft.work_minor) == (4_500, 15_000)


def test_what_stands_in_the_way_of_a_draft_is_told_line_by_line(world):
    with pytest.raises(RuleError) as caught:
        world.draft(Line(0, "time", "", 0, 60), Line(0, "fixed", "x", 0))
    assert [said[:7] for said in caught.value.problems] == ["Line 1:", "Line 2:"]
    with unit_of_work():
        db.session.execute(text("update rate_rule set retired_at = now()"))
    with pytest.raises(RuleError, match="no rate in EUR for any work: choose a work type"):
        world.draft()
    assert world.states() == []


def test_two_people_who_draft_at_once_do_not_overwrite_each_other(world):
    seen = world.draft().revision
    world.draft(Line(0, "fixed", "Other", 100))
    with pytest.raises(StaleError), unit_of_work():
        commands.save_draft(
            world.ticket(), actor=world.ada, lines=OFFER, note="",
            valid_until=clock.today() + timedelta(days=3), revision=seen,
        )  # fmt: skip


def test_sending_asks_by_an_action_with_the_total_in_it(world):
    world.draft(note="Two drafts are included.")
    estimate = world.send()
    [mail] = mails()
    assert mail.subject.startswith(f"ACTION: [#{world.number}] Our estimate of EUR ")
    assert "EUR\u00a01,428.00, tax included" in mail.body
    assert "Two drafts are included." in mail.body
    assert link(estimate) in mail.body
    assert len(estimate.content_hash) == 64
    line = db.session.scalars(select(Event).where(Event.kind == "action")).one()
    assert line.payload["line"].startswith("asked Mira Krog to approve an estimate by ")
    assert "1428" not in str(line.payload), "prices are for those who may see them"


def test_nothing_is_sent_at_prices_that_have_changed_since(world):
    world.draft()
    with unit_of_work():
        make.rate("150", company_id=world.company.id)
    with pytest.raises(RuleError, match="changed since this draft was saved"):
        world.send()
    assert (world.states(), mails()) == (["draft"], [])
    world.draft()
    assert world.send().work_minor == 150_000


CHANGES = {
    "figures": "update estimate set net_minor = net_minor + 1, tax_minor = tax_minor - 1",
    "words": "update estimate set note = 'other'",
    "back to a draft": """update estimate set state = 'draft', content_hash = null,
        sent_at = null, action_id = null, burns_from = null""",
    "gone": "delete from estimate",
    "a line": "update estimate_line set amount_minor = 1 where kind = 'fixed'",
    "fewer lines": "delete from estimate_line",
    "more lines": """insert into estimate_line (estimate_id, position, key, kind, text,
        amount_minor, tax_name, tax_percent)
        select id, 99, 99, 'fixed', 'x', 1, 'VAT', 19 from estimate""",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_database_refuses_to_change_what_was_sent(world, change):
    world.offer()
    with pytest.raises(IntegrityError), unit_of_work():
        db.session.execute(text(change))
    assert world.states() == ["sent"]


def test_the_database_refuses_to_change_what_is_approved_or_why_it_was_declined(world):
    world.offer()
    world.answer("decline", text="Too dear")
    for change in ("reason = 'Other'", "state = 'approved'", "ended_by = 'Nobody'"):
        with pytest.raises(IntegrityError), unit_of_work():
            db.session.execute(text(f"update estimate set {change}"))
    world.approved()
    for state in ("superseded", "withdrawn"):
        with pytest.raises(IntegrityError), unit_of_work():
            db.session.execute(text(f"update estimate set state = '{state}' where version = 2"))


def test_one_offer_of_a_ticket_is_open_and_a_version_stands_once(world):
    world.offer()
    copy = (
        "insert into estimate (ticket_id, version, state, company_id, payer_id, currency,"
        " valid_until, zone, priced_on, work_seconds, work_minor, net_minor, tax_minor,"
        " rounding_minor, drafted_by, content_hash, sent_at, burns_from, action_id)"
        " select ticket_id, {version}, state, company_id, payer_id, currency, valid_until, zone,"
        " priced_on, work_seconds, work_minor, net_minor, tax_minor, rounding_minor, drafted_by,"
        " content_hash, sent_at, burns_from, {action} from estimate"
    )
    with unit_of_work():
        today = clock.today("Europe/Berlin")
        other = actions.ask(world.ticket(), actor=world.ada, kind="approve", text="x",
                            contact_id=world.bo.id, due_on=today)  # fmt: skip
    for version, name in ((1, "uq_estimate_ticket_id_version"), (2, "ux_estimate_sent")):
        with pytest.raises(IntegrityError, match=name), unit_of_work():
            db.session.execute(text(copy.format(version=version, action=other.id)))


def test_an_approval_is_kept_with_name_address_and_hash_and_told_to_who_works_on_it(world):
    estimate = world.approved()
    db.session.rollback()
    found = db.session.get_one(Estimate, estimate.id)
    assert (found.state, found.ended_by) == ("approved", "Mira Krog")
    assert found.action.ended_ip == "192.0.2.7"
    assert found.action.answer["estimate"] == found.content_hash
    told = mails(recipient="ada@agency.example")
    assert len(told) == 1
    assert "approved the estimate" in told[0].body


def test_the_assignee_hears_of_the_answer_too_when_another_one_asked(world):
    with unit_of_work():
        bea = make.staff("Bea", email="bea@agency.example")
        world.ticket().assignee_id = bea.id
    world.offer()
    world.answer("decline", text="No")
    told = {mail.recipient for mail in mails() if "declined the estimate" in mail.body}
    assert told == {"ada@agency.example", "bea@agency.example"}


def test_declining_needs_a_reason(world):
    world.offer()
    with pytest.raises(RuleError, match="reason is missing"):
        world.answer("decline", text="  ")
    assert world.states() == ["sent"]


def test_of_two_who_decide_at_once_one_counts_and_the_other_is_told(world):
    estimate = world.offer()
    both = Barrier(2)
    action_id = estimate.action_id

    def mira() -> int:
        fields = {"do": "answer"}
        return visitor(world.app).post(path, data=fields).status_code

    def vera() -> int:
        fields = {"do": "decline", "text": "Not now"}
        browser = client_in(world.app, world.vera)
        return browser.post(f"/portal/actions/{action_id}", data=fields).status_code

    path = link(estimate)

    def at_once(deed) -> int:
        with world.app.app_context():
            both.wait(timeout=10)
            return deed()

    with ThreadPoolExecutor(2) as pool:
        codes = list(pool.map(at_once, [mira, vera]))
    assert codes in ([200, 422], [409, 302])
    [state] = world.states()
    assert state == ("approved" if codes[0] == 200 else "declined")
    decided = select(Event).where(Event.kind == "action", Event.contact_id.is_not(None))
    assert len(db.session.scalars(decided).all()) == 1
    assert len(waiting()) == (1 if state == "approved" else 0)


def test_of_an_answer_and_a_withdrawal_at_once_one_counts(world):
    path = link(world.offer())
    both = Barrier(2)

    def approve() -> bool:
        return visitor(world.app).post(path, data={"do": "answer"}).status_code == 200

    def withdraw() -> bool:
        try:
            with unit_of_work():
                commands.withdraw(queries.locked(world.number), actor=world.ada)
        except RuleError:
            return False
        return True

    def at_once(deed) -> bool:
        with world.app.app_context():
            both.wait(timeout=10)
            return deed()

    with ThreadPoolExecutor(2) as pool:
        won = list(pool.map(at_once, [approve, withdraw]))
    assert sorted(won) == [False, True]
    assert world.states() == (["approved"] if won[0] else ["withdrawn"])


def test_a_declined_one_is_offered_again_with_the_difference(world):
    world.offer()
    world.answer("decline", text="Too dear")
    with unit_of_work():
        again = commands.offer_again(world.ticket(), actor=world.ada)
    keys = [line.key for line in again.lines]
    world.draft(
        Line(keys[0], "time", "Design of the logo", 0, 8 * HOUR),
        Line(0, "fixed", "Workshop", 5_000),
    )
    world.send()
    assert world.states() == ["superseded", "sent"]
    db.session.rollback()
    new, old = estimates.versions(world.ticket_id)
    assert (old.estimate.reason, old.is_revision) == ("Too dear", False)
    found = [(c.what, c.old and c.old.minor, c.new and c.new.minor) for c in new.changes]
    assert found == [
        ("changed", 100_000, 80_000),
        ("added", None, 5_000),
        ("removed", 20_000, None),
    ]


def test_a_new_version_ends_the_question_about_the_one_before_without_a_mail_of_its_own(world):
    first = world.offer()
    world.draft(Line(0, "fixed", "All of it", 90_000))
    world.send()
    assert world.states() == ["superseded", "sent"]
    assert [mail.subject.split(":")[0] for mail in mails()] == ["ACTION", "ACTION"]
    late = visitor(world.app).post(link(first), data={"do": "answer"})
    assert late.status_code == 409
    assert world.states() == ["superseded", "sent"]


def test_only_the_draft_can_be_thrown_away_and_its_number_is_used_again(world):
    world.offer()
    world.answer("decline", text="No")
    world.draft()
    with unit_of_work():
        commands.discard(world.ticket(), actor=world.ada)
    assert world.states() == ["declined"]
    assert world.draft().version == 2


def test_an_offer_ends_with_its_last_day_also_before_the_job_comes(world):
    estimate = world.offer(days=3)
    path = link(estimate)
    due = db.session.get_one(ActionRequest, estimate.action_id).due_at
    db.session.rollback()
    with clock.frozen(due - timedelta(seconds=1)):
        assert visitor(world.app).get(path).status_code == 200
    with clock.frozen(due):
        with pytest.raises(RuleError, match="is over"):
            world.answer()
        assert world.states() == ["sent"]
        assert action_deadlines.end_overripe(step=unit_of_work).ended == 1
    assert world.states() == ["expired"]
    with clock.frozen(due + timedelta(days=11)), unit_of_work():
        assert action_deadlines.remind() == 0, "nobody is reminded of what is over"


def test_no_offer_is_answered_on_closed_work_however_it_is_closed(world):
    with unit_of_work():
        into = make.ticket(world.company, "Same thing", requester_id=world.mira.id)
        done = queries.first_status("completed")
        open_ = queries.first_status("open")

    def single():
        change_status(queries.locked(world.number), actor=world.ada, status=done)

    def many():
        bulk.set_status_many([world.ticket_id], actor=world.ada, status=done)

    def merge():
        both = queries.locked_by_id([world.ticket_id, into.id])
        joining.merge(both[0], both[1], actor=world.ada)

    for nth, close in enumerate((single, many, merge), start=1):
        world.offer()
        with unit_of_work():
            close()
        assert world.states()[-1] == "withdrawn", close
        told = [mail for mail in mails() if "Nothing more to do" in mail.subject]
        assert len(told) == nth
        if close is not merge:
            with unit_of_work():
                change_status(queries.locked(world.number), actor=world.ada, status=open_)


def test_an_approved_one_outlives_the_closing_of_its_ticket(world):
    world.approved()
    with unit_of_work():
        done = queries.first_status("completed")
        change_status(queries.locked(world.number), actor=world.ada, status=done)
    assert world.states() == ["approved"]


def test_a_ticket_with_an_offer_that_was_sent_stays_with_its_company(world):
    with unit_of_work():
        other = make.company("Other")
        make.tax("19", of=other)
    world.draft()
    with unit_of_work():
        move_ticket(world.ticket(), actor=world.ada, company_id=other.id)
    with unit_of_work():
        move_ticket(world.ticket(), actor=world.ada, company_id=world.company.id)
        world.ticket().requester_id = world.mira.id
    world.offer()
    world.answer("decline", text="No")
    with pytest.raises(RuleError, match="stays with them"), unit_of_work():
        move_ticket(world.ticket(), actor=world.ada, company_id=other.id)


def test_fixed_lines_wait_for_the_next_invoice_once(world):
    world.offer()
    assert waiting() == []
    world.answer()
    assert waiting() == [(f"#{world.number} Licence of the typeface", Decimal(200))]
    with pytest.raises(RuleError), unit_of_work():
        asked = db.session.scalars(select(ActionRequest)).one()
        commands.conclude(asked, actions.Ending("answer", "Mira"), world.ada)
    assert len(waiting()) == 1


def test_a_changed_version_takes_the_place_of_what_waits_and_bills_only_the_difference(world):
    world.approved(Line(0, "fixed", "Typeface", 20_000), Line(0, "fixed", "Print", 5_000))
    db.session.rollback()
    with unit_of_work():
        [typeface, _] = db.session.scalars(select(ExtraLine).order_by(ExtraLine.id))
        document = make_document(world)
        typeface.document_id = document
    world.approved(Line(1, "fixed", "Typeface", 26_000), Line(2, "fixed", "Print", 4_000))
    assert waiting() == [
        (f"#{world.number} Typeface, change", Decimal(60)),
        (f"#{world.number} Print", Decimal(40)),
    ]


def make_document(world) -> int:
    from tests.billing.issued import issued

    account = db.session.scalars(select(ExtraLine)).first().account
    return issued(account).id


def test_a_draft_in_another_currency_than_what_was_approved_meanwhile_is_not_sent(world):
    world.offer()
    with unit_of_work():
        world.ticket().company.currency = "USD"
        make.rate("110", currency="USD")
    world.draft(Line(2, "fixed", "Licence of the typeface", 30_000))
    world.answer()
    with pytest.raises(RuleError, match="approved in EUR"):
        world.send()


def test_what_is_billed_in_one_currency_is_not_changed_in_another(world):
    world.approved(Line(0, "fixed", "Typeface", 10_000))
    db.session.rollback()
    with unit_of_work():
        [typeface] = db.session.scalars(select(ExtraLine))
        typeface.document_id = make_document(world)
        world.ticket().company.currency = "CHF"
    with pytest.raises(RuleError, match="approved in EUR"):
        world.draft(Line(1, "fixed", "Typeface", 9_500))
    assert waiting() == []


def test_what_was_restated_and_billed_in_another_currency_is_not_taken_back_in_the_first(world):
    world.approved(Line(0, "fixed", "Typeface", 10_000))
    with unit_of_work():
        make.rate("110", currency="CHF")
        world.ticket().company.currency = "CHF"
    with unit_of_work():
        [typeface] = db.session.scalars(select(ExtraLine))
        extras.restate(world.ada, typeface.id, unit_price=Decimal(93))
    bill()
    with unit_of_work():
        world.ticket().company.currency = "EUR"
    with pytest.raises(RuleError, match="Northwind in CHF already"):
        world.draft(Line(0, "fixed", "Print", 5_000))
    assert waiting() == []
    assert_books()


def bill() -> str:
    """Bill what waits; the number of the invoice."""
    now = clock.now()
    [document] = issued(compiled(now.date(), at=now), at=now)["issued"]
    return db.session.get_one(Document, document).number


def void(number: str, world) -> None:
    with unit_of_work():
        void_invoice(world.ada, number, reason="Twice")


def test_of_a_voided_invoice_a_new_version_takes_nothing_back(world):
    world.approved(Line(0, "fixed", "Typeface", 20_000), Line(0, "fixed", "Print", 5_000))
    void(bill(), world)
    assert waiting() == [
        (f"#{world.number} Typeface", Decimal(200)),
        (f"#{world.number} Print", Decimal(50)),
    ]
    assert_books()
    with unit_of_work():
        removed = db.session.scalars(
            select(ExtraLine).filter_by(document_id=None).order_by(ExtraLine.id)
        ).first()
        extras.remove(world.ada, removed.id)
    world.approved(Line(2, "fixed", "Print", 6_000))
    assert waiting() == [(f"#{world.number} Print", Decimal(60))]
    bill()
    assert_books()


def test_billing_may_remove_a_waiting_line_by_hand(world):
    world.approved()
    with unit_of_work():
        line = db.session.scalars(select(ExtraLine)).one()
        extras.remove(world.ada, line.id)
    assert waiting() == []
    world.approved(Line(2, "fixed", "Typeface", 100))
    assert waiting() == [(f"#{world.number} Typeface", Decimal(1))]
