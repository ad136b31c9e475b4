"""Work uses an approved estimate up, whatever is done with time; each warning is given once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

from sqlalchemy import select

from app.billing.models import Allocation, DocumentLine, RateRule
from app.core import clock
from app.core.db import db, unit_of_work
from app.core.models import Mail
from app.estimates import burn
from app.estimates.rules import Line
from app.staff.models import DepartmentMember
from app.timelog.commands import delete_entry, edit_entry, log_time
from app.timelog.models import TimeEntry
from app.timelog.rules import Work
from app.timelog.splitting import choices, split
from tests import factories as make
from tests.billing.issued import issued
from tests.estimates.conftest import HOUR, carry_out_jobs
from tests.web.people import client_in, signed_in


def allocate(document_id: int, entry: TimeEntry, *, minor: int) -> None:
    """Bill an entry for an amount, as issuing does."""
    line = DocumentLine(
        document_id=document_id, position=90, kind="time", text="Design", net_minor=minor,
        tax_name="VAT", tax_category="S", tax_percent=19,
    )  # fmt: skip
    db.session.add(line)
    db.session.flush()
    seconds = entry.recorded_seconds
    db.session.add(
        Allocation(
            kind="line", entry_id=entry.id, line_id=line.id, recorded_seconds=seconds,
            billable_seconds=seconds, billed_seconds=seconds, amount_minor=minor,
            rate_rule_id=db.session.scalars(select(RateRule.id)).first(),
        )
    )  # fmt: skip


TEN_HOURS = Line(0, "time", "Design", 0, 10 * HOUR)


def warned_by_mail() -> list[str]:
    db.session.rollback()
    rows = db.session.scalars(select(Mail).order_by(Mail.id))
    return [row.recipient for row in rows if "of the estimate is used" in row.subject]


def test_work_counts_as_it_is_valued_and_each_level_is_told_once(world):
    world.approved(TEN_HOURS)
    world.log(7 * HOUR + 3599)
    assert (world.burn().percent, world.warnings()) == (79, [])
    world.log(1)
    found = world.burn()
    assert (found.used_seconds, found.used_minor, found.percent) == (8 * HOUR, 80_000, 80)
    assert world.warnings() == [80]
    world.log(60)
    assert world.warnings() == [80]
    world.log(2 * HOUR)
    world.log(HOUR)
    assert world.warnings() == [80, 100]
    assert warned_by_mail() == ["ada@agency.example"] * 2
    mails = db.session.scalars(select(Mail).where(Mail.subject.contains("is used")))
    whose = f"{world.company.name}, {world.mira.name}"
    assert all(whose in row.body and whose in (row.html or "") for row in mails)


def test_the_whole_department_hears_when_it_is_used_up(world):
    with unit_of_work():
        lead = make.staff("Lea", email="lea@agency.example")
        department = make.department()
        db.session.add(DepartmentMember(department_id=department.id, staff_id=lead.id))
        world.ticket().department_id = department.id
    world.approved(TEN_HOURS)
    world.log(8 * HOUR)
    assert warned_by_mail() == ["ada@agency.example"]
    world.log(2 * HOUR)
    assert sorted(warned_by_mail()) == ["ada@agency.example"] * 2 + ["lea@agency.example"]


def test_who_offered_it_hears_where_nobody_is_on_the_ticket(world):
    world.approved(TEN_HOURS)
    with unit_of_work():
        world.ticket().assignee_id = None
    world.log(8 * HOUR)
    assert warned_by_mail() == ["ada@agency.example"]
    world.log(5 * HOUR)
    assert warned_by_mail() == ["ada@agency.example"] * 2
    last = db.session.scalars(select(Mail).order_by(Mail.id.desc())).first()
    assert "130 % of the estimate is used" in last.subject


def test_what_is_not_billable_or_was_done_before_the_offer_uses_nothing_up(world):
    before = clock.today("Europe/Berlin") - timedelta(days=1)
    world.approved(TEN_HOURS)
    world.log(9 * HOUR, billable=False, reason="Goodwill")
    world.log(9 * HOUR, work_date=before)
    assert world.burn().used_seconds == 0
    assert world.warnings() == []


def test_edits_deletions_and_moves_are_reckoned_anew_and_no_level_is_told_twice(world):
    world.approved(TEN_HOURS)
    with unit_of_work():
        entry = log_time(
            Work(seconds=9 * HOUR), actor=world.ada, staff_id=world.staff.id,
            ticket_id=world.ticket_id, finished=False,
        )  # fmt: skip
    carry_out_jobs()
    assert world.warnings() == [80]
    with unit_of_work():
        delete_entry(db.session.get_one(TimeEntry, entry.id), actor=world.ada)
    assert world.burn().used_seconds == 0
    entry = world.log(9 * HOUR)
    assert world.warnings() == [80], "the level was told before"
    with unit_of_work():
        edit_entry(db.session.get_one(TimeEntry, entry.id), Work(seconds=10 * HOUR),
                   actor=world.ada)  # fmt: skip
    carry_out_jobs()
    assert world.warnings() == [80, 100]
    with unit_of_work():
        seqs = [event.seq for event in choices(world.ticket_id) if event.kind == "time"]
        split(world.ticket(), actor=world.ada, subject="Another thing", seqs=seqs)
    carry_out_jobs()
    assert (world.burn().used_seconds, world.warnings()) == (0, [80, 100])


def test_a_jump_over_both_levels_tells_the_higher_one_only(world):
    world.approved(TEN_HOURS)
    world.log(12 * HOUR)
    assert (world.burn().percent, world.warnings()) == (120, [100])
    world.log(60)
    assert world.warnings() == [100]


def test_work_done_while_the_client_considered_counts_at_the_approval(world):
    world.offer(TEN_HOURS)
    world.log(9 * HOUR)
    assert world.warnings() == []
    world.answer()
    assert world.warnings() == [80]


def test_a_new_version_goes_on_with_the_work_so_far_and_warns_afresh(world):
    world.approved(TEN_HOURS)
    world.log(9 * HOUR)
    world.approved(Line(1, "time", "Design", 0, 20 * HOUR))
    assert world.burn()[:2] == (9 * HOUR, 20 * HOUR)
    world.log(8 * HOUR)
    assert world.warnings() == [80, 80]


def test_money_may_be_used_up_before_the_hours(world):
    with unit_of_work():
        dear = make.work_type("Express")
        make.rate("200", work_type_id=dear.id, company_id=world.company.id)
    world.approved(TEN_HOURS)
    world.log(4 * HOUR, work_type_id=dear.id)
    assert (world.burn().percent, world.warnings()) == (80, [80])


def test_billed_time_counts_with_what_it_was_billed_at(world):
    world.approved(TEN_HOURS)
    entry = world.log(2 * HOUR)
    with unit_of_work():
        allocate(issued(make.account(world.company)).id, entry, minor=15_000)
    assert world.burn()[::2] == (2 * HOUR, 15_000)


def test_entries_at_the_same_time_warn_once_and_miss_nothing(world):
    world.approved(TEN_HOURS)
    everybody = Barrier(5)

    def work(_number: int) -> None:
        with world.app.app_context():
            everybody.wait(timeout=20)
            with unit_of_work():
                log_time(
                    Work(seconds=2 * HOUR), actor=world.ada, staff_id=world.ada.staff_id,
                    ticket_id=world.ticket_id,
                )  # fmt: skip
            carry_out_jobs()

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(work, range(5)))
    assert world.burn().percent == 100
    told = world.warnings()
    assert told in ([80, 100], [100])
    assert len(warned_by_mail()) == len(told)


def test_workers_who_look_at_the_same_time_tell_it_once(world):
    world.approved(TEN_HOURS)
    with unit_of_work():
        make.entry(world.company, by=world.staff, seconds=8 * HOUR, ticket_id=world.ticket_id,
                   on=clock.today("Europe/Berlin"))  # fmt: skip
    both = Barrier(2)

    def look(_number: int) -> int:
        with world.app.app_context():
            both.wait(timeout=20)
            with unit_of_work():
                return burn.warn([world.ticket_id])

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(look, range(2))) == [0, 1]
    assert world.warnings() == [80]


def test_staff_see_the_bar_and_clients_where_the_agency_shows_time(world):
    world.approved(TEN_HOURS)
    world.log(4 * HOUR)
    page = signed_in(world.app, world.user).get(f"/tickets/{world.number}").get_data(as_text=True)
    assert "<b>40 %</b>" in page
    at = f"/portal/requests/{world.number}"
    mira = client_in(world.app, world.mira)
    assert "<b>40 %</b>" not in mira.get(at).get_data(as_text=True)
    with unit_of_work():
        make.set_up_agency(portal_shows_time=True)
    assert "<b>40 %</b>" in mira.get(at).get_data(as_text=True)
