"""Warnings of a run: each limit on both its sides, their sums, and what was accepted before."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text

from app.billing import runs
from app.billing.causes import ALL as CAUSES
from app.billing.commands import compile as compiling
from app.billing.commands import entries, review
from app.billing.commands.recompile import recompile
from app.billing.models import RunWarning
from app.core import clock
from app.core.db import db, unit_of_work
from app.core.errors import NotFoundError, RuleError
from app.core.models import AuditLog
from tests import factories as make
from tests.billing.desk import CLERK, MARCH, TODAY, compiled, issued

WELL = "Moved the mailboxes to the new server"
AN_HOUR = timedelta(hours=1)
COMPLETE = {"tax_id": "NO 999", "billing_street": "Storgata 1"}


def world(**values):
    with unit_of_work():
        make.set_up_agency()
        make.rate("100.00")
        return make.company("Fjord Dental", **(COMPLETE | values)).id, make.staff("Mira").id


def work(company_id, staff_id, **values):
    values.setdefault("description", WELL)
    with unit_of_work():
        company = db.session.get(make.Company, company_id)
        by = db.session.get(make.Staff, staff_id)
        return make.entry(company, by=by, **values).id


def found(run_id):
    rows = db.session.scalars(
        select(RunWarning).where(RunWarning.run_id == run_id).order_by(RunWarning.cause)
    )
    return {row.cause: (row.entries, row.amount_minor) for row in rows}


def test_time_as_it_should_be_is_worth_no_look(app):
    company, mira = world()
    for seconds in (120, 8 * 3600):
        work(company, mira, seconds=seconds)
    work(company, mira, on=date(2026, 3, 1), description="Ten signs.")
    assert found(compiled()) == {}


def test_each_limit_is_found_with_its_entries_and_their_net(app):
    company, mira = world()
    work(company, mira, seconds=8 * 3600 + 1)
    work(company, mira, seconds=119)
    work(company, mira, description=" Nine sig ")
    work(company, mira, on=date(2026, 2, 28), seconds=7200)
    run = compiled()
    assert {cause: entries for cause, (entries, _) in found(run).items()} == {
        "long_entry": 1,
        "short_entry": 1,
        "thin_text": 1,
        "older_work": 1,
    }
    assert found(run)["older_work"] == (1, 20000)
    assert found(run)["thin_text"] == (1, 10000)


def test_work_is_older_by_the_clock_of_who_pays(app):
    """The days of an account are those of its payer's zone (docs/decisions/0011)."""
    house, mira = world(zone="Europe/Paris")
    with unit_of_work():
        floor = make.company("Floor", kind="department", parent_id=house, zone="America/New_York")
    begins = datetime(2026, 2, 28, 23, 30, tzinfo=UTC)  # the 1st of March in Paris
    work(floor.id, mira, on=date(2026, 2, 28), started_at=begins, ended_at=begins + AN_HOUR)
    assert found(compiled()) == {}


@pytest.mark.parametrize(
    ("opened", "category", "said"),
    [
        (datetime(2026, 1, 29, tzinfo=UTC), "open", 1),
        (datetime(2026, 1, 31, tzinfo=UTC), "open", 0),
        (datetime(2026, 1, 29, tzinfo=UTC), "completed", 0),
    ],
)
def test_a_ticket_that_stays_open_is_found(app, opened, category, said):
    company, mira = world()
    with unit_of_work():
        ticket = make.ticket(
            db.session.get(make.Company, company), category=category, created_at=opened
        ).id
    work(company, mira, ticket_id=ticket)
    assert found(compiled()).get("old_ticket", (0, 0))[0] == said


@pytest.mark.parametrize(("hours", "said"), [(7, False), (13, False), (6, True), (14, True)])
def test_a_net_far_from_the_mean_of_three_months_is_found(app, hours, said):
    company, mira = world()
    for month in (1, 2):
        work(company, mira, seconds=10 * 3600 // 2, on=date(2026, month, 5))
        work(company, mira, seconds=10 * 3600 // 2, on=date(2026, month, 6))
        last, after = date(2026, month, 28), datetime(2026, month + 1, 1, 9, tzinfo=UTC)
        assert issued(compiled(last, at=after), at=after)["issued"]
    for number in range(hours):
        work(company, mira, on=date(2026, 3, 1 + number))
    assert ("unusual_amount" in found(compiled())) is said


def test_a_first_invoice_has_no_usual_amount(app):
    company, mira = world()
    work(company, mira)
    assert found(compiled()) == {}


def test_the_command_line_gets_every_warning_in_words_with_its_sums(app):
    company, mira = world(tax_id=None, billing_street=None)
    work(company, mira, seconds=9 * 3600)
    run = compiled()
    shown = runs.answer_of(run)["warnings"]
    assert [each["cause"] for each in shown] == ["no_tax_id", "no_address", "long_entry"]
    assert shown[2] == {
        "company": "Fjord Dental",
        "company_id": company,
        "warning": "1 entry is longer than 8 hours.",
        "cause": "long_entry",
        "entries": 1,
        "amount": "900.00",
        "currency": "EUR",
        "accepted": None,
    }
    with clock.frozen(TODAY):
        dry = runs.dry_answer(*compiling.dry_run(through=MARCH), leave_blocked=False)
    assert dry["warnings"] == shown


def test_every_cause_has_its_words():
    from app.billing.warnings import Warned, sentence
    from app.desk.billing.reasons import LOOKS

    assert set(LOOKS) == set(CAUSES)
    for cause in CAUSES:
        assert sentence(Warned(1, "EUR", cause, 2, 100, {"mean_minor": 50}), MARCH).endswith(".")


def test_what_is_accepted_stays_so_until_it_changes(app):
    company, mira = world()
    long_day = work(company, mira, seconds=9 * 3600)
    run = compiled()
    with unit_of_work():
        assert review.accept(CLERK, run, "long_entry", reason="The night of the move") == 1
    assert runs.answer_of(run)["warnings"][0]["accepted"] == "The night of the move"
    work(company, mira)
    with unit_of_work():
        recompile(run, [company])
    assert runs.answer_of(run)["warnings"][0]["accepted"] == "The night of the move"
    again = compiled()
    assert runs.answer_of(again)["warnings"][0]["accepted"] == "The night of the move"
    work(company, mira, seconds=10 * 3600)
    assert runs.answer_of(compiled())["warnings"][0]["accepted"] is None
    said = db.session.scalars(select(AuditLog).where(AuditLog.action == "accept")).one()
    assert said.after["reason"] == "The night of the move"
    assert long_day


def test_a_cause_that_is_gone_leaves_the_run(app):
    company, mira = world()
    entry = work(company, mira, seconds=9 * 3600)
    work(company, mira)
    run = compiled()
    with unit_of_work():
        entries.hold(CLERK, [entry], reason="Ask first")
        recompile(run, [company])
    assert found(run) == {}


def test_accepting_wants_a_reason_and_can_be_taken_back(app):
    company, mira = world()
    work(company, mira, seconds=9 * 3600)
    run = compiled()
    with pytest.raises(RuleError, match="Give a reason"), unit_of_work():
        review.accept(CLERK, run, "long_entry", reason=" ")
    with pytest.raises(NotFoundError), unit_of_work():
        review.accept(CLERK, run, "weather", reason="It rained")
    with unit_of_work():
        review.accept(CLERK, run, "long_entry", reason="Fine")
        assert review.accept(CLERK, run, "long_entry", reason="Finer") == 0
        assert review.look_again(CLERK, run, "long_entry") == 1
    assert db.session.scalar(text("select count(*) from run_warning where accepted_by > 0")) == 0
    assert runs.answer_of(run)["warnings"][0]["accepted"] is None


def test_warnings_ask_the_server_the_same_at_any_size(app, statements):
    company, mira = world()
    work(company, mira)
    with clock.frozen(TODAY), statements() as few:
        compiled()
    with unit_of_work():
        for _ in range(20):
            other = make.company()
            for _ in range(3):
                make.entry(other, by=db.session.get(make.Staff, mira), seconds=60)
    with clock.frozen(TODAY), statements() as many:
        compiled()
    assert len(many) == len(few)
