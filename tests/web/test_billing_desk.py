"""The month-end run on the desk: what is in the way, each button pressed twice, each refusal."""

import re
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select, text

from app.billing import run_queries
from app.billing.models import BillingAccount, BillingRun, Document, RunBlock
from app.companies.models import Company, ContactEmail, Membership
from app.core import jobs
from app.core.db import db, unit_of_work
from app.core.forms import new_nonce
from app.core.models import Job, Mail
from app.timelog.models import TimeEntry
from tests import factories as make
from tests.billing.desk import assert_books
from tests.web.import_desk import words
from tests.web.month import (
    account_of,
    count,
    one,
    row_of,
)
from tests.web.people import person, signed_in


def test_a_new_run_proposes_the_end_of_last_month(month):
    assert 'value="2026-03-31"' in month.get("/billing/runs").text


def test_a_run_shows_its_progress_with_scripts_and_without(month):
    month.company()
    answer = month.post("/billing/runs", through="2026-03-31")
    page = month.get(answer.location).text
    assert "Compiling run" in page
    assert 'http-equiv="refresh"' in page
    part = month.get(answer.location, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "HX-Refresh" not in part.headers
    jobs.run_due()
    assert "In the way" not in month.get(answer.location).text
    issue = month.post("/billing/runs/1/issue", on="2026-04-02").location
    jobs.run_due()
    assert month.get(issue).status_code == 200
    for url in (answer.location, issue):
        ended = month.get(url, headers={"HX-Request": "true"})
        assert ended.headers["HX-Refresh"] == "true"


def test_a_future_run_is_refused_and_keeps_what_was_typed(month):
    answer = month.post("/billing/runs", through="2026-05-31", leave_blocked="y")
    assert answer.status_code == 422
    assert "is in the future" in answer.text
    assert 'value="2026-05-31"' in answer.text
    assert count(BillingRun) == 0


def test_exceptions_stand_first_by_cause_with_their_mending(month):
    month.company("Ready Ltd")
    late, _ = month.company("Late Ltd")
    with unit_of_work():
        foreign = make.company("Foreign Ltd", currency="JPY")
        make.entry(foreign, by=month.mira)
        late_company = db.session.get(type(foreign), late)
        make.entry(late_company, by=month.jon, state="submitted")
    page = month.get(f"/billing/runs/{month.compiled()}").text
    assert page.index("In the way") < page.index('id="accounts"')
    assert page.index("Rate in another currency") < page.index("Not approved")
    assert f"/billing/rates/new?company={foreign.id}" in page
    assert page.count("Issue 1 invoice") == 1


def test_what_is_approved_is_what_was_in_the_way_by_the_day_of_the_account(month):
    """At 20:00 UTC of 31 March it is April in Auckland, and still March where it is paid."""
    company_id, _ = month.company()
    with unit_of_work():
        site = make.company("Site", parent_id=company_id, kind="site", zone="Pacific/Auckland")
        entry = make.entry(site, by=month.jon, state="submitted")
        entry.started_at = datetime(2026, 3, 31, 20, tzinfo=UTC)
        entry.ended_at = entry.started_at + timedelta(seconds=entry.recorded_seconds)
        entry.work_date = date(2026, 4, 1)
        entry_id = entry.id
    run_id = month.compiled()
    assert row_of(run_id, company_id).state == "blocked"
    month.post(f"/billing/runs/{run_id}/approve", payer=company_id)
    assert db.session.get_one(TimeEntry, entry_id, populate_existing=True).state == "approved"
    assert row_of(run_id, company_id).state == "ready"


def test_approving_what_is_in_the_way_makes_the_account_ready(month):
    company_id, _ = month.company()
    with unit_of_work():
        company = make.company("Dept", parent_id=company_id, kind="department")
        make.entry(company, by=month.jon, state="submitted")
    run_id = month.compiled()
    assert row_of(run_id, company_id).state == "blocked"
    month.post(f"/billing/runs/{run_id}/approve", payer=company_id)
    assert row_of(run_id, company_id).state == "ready"
    assert row_of(run_id, company_id).entries == 3


def test_pressing_twice_compiles_and_issues_once(month):
    month.company()
    nonce = new_nonce()
    first, second = (
        month.post("/billing/runs", through="2026-03-31", nonce=nonce) for _ in range(2)
    )
    assert first.location == second.location
    assert count(BillingRun) == 1
    jobs.run_due()
    nonce = new_nonce()
    for _ in range(2):
        month.post("/billing/runs/1/issue", on="2026-04-02", nonce=nonce)
    jobs.run_due()
    assert count(Document) == 1


def test_an_approval_that_is_missing_is_told_before_issuing(month):
    month.company()
    with unit_of_work():
        make.set_up_agency(second_person_above={"EUR": 100})
    run_id = month.compiled()
    page = month.get(f"/billing/runs/{run_id}/issue").text
    assert "It waits for a second person, and is not issued before. Nobody else may" in page
    assert 'name="mail"' not in page
    with unit_of_work():
        boss = make.user("Manager", name="Una")
    page = month.get(f"/billing/runs/{run_id}/issue").text
    assert f"Ask <bdi>{boss.get_full_name()}</bdi> to approve the preview." in page
    assert f"/billing/runs/{run_id}/accounts/" in page


def test_two_people_issue_once_and_the_second_is_told(month):
    month.company()
    run_id = month.compiled()
    other = signed_in(month.app, person("Billing"))
    data = {"on": "2026-04-02", "mail": "y"}
    mine = month.post(f"/billing/runs/{run_id}/issue", **data)
    theirs = other.post(f"/billing/runs/{run_id}/issue", data=data | {"nonce": new_nonce()})
    jobs.run_due()
    pages = [month.get(mine.location).text, other.get(theirs.location).text]
    assert sum("1 invoice issued" in page for page in pages) == 1
    assert sum("Everything was issued already" in page for page in pages) == 1
    assert_books()


def test_the_confirmation_names_number_and_sum(month):
    month.company("A Ltd")
    month.company("B Ltd", hours=(3,))
    page = month.get(f"/billing/runs/{month.compiled()}/issue").text
    assert "Issue 2 invoices?" in page
    assert "720.00" in page
    assert count(Document) == 0, "asking issues nothing"
    assert "No mail reaches" not in page


def test_the_confirmation_names_whom_no_mail_reaches(month):
    for name, email in (("A Ltd", None), ("B Ltd", "pay@b.example"), ("C Ltd", None)):
        month.company(name, email=email)
    month.company("D Ltd")
    with unit_of_work() as session:
        places = select(Membership).join(Membership.company).where(Company.name != "D Ltd")
        for place in session.scalars(places):
            place.role = "requester"
    run_id = month.compiled()
    page = month.get(f"/billing/runs/{run_id}/issue").text
    told = page.partition("No mail reaches these 2 companies")[2].partition("</ul>")[0]
    assert re.findall("<bdi>(.*?)</bdi>", told) == ["A Ltd", "C Ltd"]
    (first,) = db.session.scalars(select(Company.id).where(Company.name == "A Ltd"))
    one_alone = month.get(f"/billing/runs/{run_id}/issue?account={account_of(first)}").text
    assert "No mail reaches this company: it has no billing contact" in one_alone
    month.issued(run_id)
    of_d = select(ContactEmail.address).order_by(ContactEmail.id.desc()).limit(1)
    written_to = {"pay@b.example", *db.session.scalars(of_d)}
    assert set(db.session.scalars(select(Mail.recipient))) == written_to


def test_one_account_can_be_issued_alone(month):
    first, _ = month.company("A Ltd")
    month.company("B Ltd")
    run_id = month.compiled()
    assert "1 invoice issued" in month.issued(run_id, account=account_of(first))
    assert one(Document).payer_id == first


def test_a_cause_says_of_how_many_accounts_and_what_they_come_to(month):
    month.company()
    page = words(month.get(f"/billing/runs/{month.compiled()}").text)
    assert "No tax id 1 account EUR 360.00 in all" in page


def test_what_changed_since_is_said_refused_and_can_be_taken_over(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    with unit_of_work():
        company = db.session.get(BillingAccount, account_of(company_id)).payer
        make.entry(company, by=month.mira, seconds=3600)
    here = f"/billing/runs/{run_id}/accounts/{account_of(company_id)}"
    assert "3 came in" in month.get(here).text
    page = month.issued(run_id)
    assert "Not issued" in page
    assert "The total was EUR\u00a0360.00 and would be EUR\u00a0480.00" in page
    assert count(Document) == 0
    month.post(f"{here}/recompile")
    assert "1 invoice issued" in month.issued(run_id)


def test_mails_can_be_called_back_after_issuing(month):
    month.company()
    run_id = month.compiled()
    page = month.issued(run_id)
    assert "Undo 1 mail" in page
    assert "1 mail to leave within 10 seconds" in page
    job_id = one(Job, kind="billing.issue").id
    month.post(f"/billing/runs/{run_id}/issue/{job_id}/undo-mails")
    assert one(Mail).state == "undone"
    assert count(Document) == 1


def test_a_superseded_run_offers_nothing(month):
    company_id, _ = month.company()
    old = month.compiled()
    month.compiled()
    assert "A newer run has taken the place" in month.get(f"/billing/runs/{old}").text
    answer = month.post(f"/billing/runs/{old}/accounts/{account_of(company_id)}/recompile")
    assert "work on that one" in month.get(answer.location).text


def test_the_run_page_takes_the_same_statements_for_one_and_for_many(month, statements):
    month.company("A Ltd")
    one_run = month.compiled()
    for number in range(12):
        month.company(f"C{number}")
    many_run = month.compiled()
    asked = []
    for run_id in (one_run, many_run):
        with statements() as found:
            assert month.get(f"/billing/runs/{run_id}").status_code == 200
        asked.append(len(found))
    assert asked[0] == asked[1] <= 12


def test_an_unknown_run_account_or_entry_is_not_found(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    here = f"/billing/runs/{run_id}/accounts/{account_of(company_id)}"
    for url in ("/billing/runs/77", f"/billing/runs/{run_id}/accounts/77", f"{here}/entries?id=77"):
        assert month.get(url).status_code == 404
    assert month.get(f"/billing/runs/{run_id}/issue/1").status_code == 404
    assert month.get(f"/billing/runs/{run_id}?state=lost").status_code == 404


def test_a_run_through_a_day_before_all_work_says_that_nothing_is_to_be_billed(month):
    month.company()
    refused = month.post("/billing/runs", through="0001-01-01")
    assert refused.status_code == 422
    assert "0001-01-01 is too early: there is nothing to bill through that day." in refused.text
    answer = month.post("/billing/runs", through="1999-01-01")
    jobs.run_due()
    page = month.get(answer.location).text
    assert "There is nothing to bill through 1 Jan 1999: no time is logged until then." in page
    month.issued(month.compiled())
    assert "is billed, held or written off." in month.get(f"/billing/runs/{month.compiled()}").text


def test_a_cause_of_many_companies_is_listed_page_by_page(month):
    """Each cause has its first page; the one that is asked for shows the page that is wanted."""
    month.company("Aaa", tax_id="T1", billing_city="Oslo")
    run_id = month.compiled()
    many = (
        "with made as (insert into company (name, name_key)"
        " select 'Many ' || lpad(n::text, 4, '0'), 'many ' || n from generate_series(1, 1203) n"
        " returning id)"
    )
    with unit_of_work():
        late = make.company("Zzz")
        db.session.add(RunBlock(run_id=run_id, company_id=late.id, reason="zero_total", entries=1))
        db.session.execute(
            text(
                f"{many} insert into run_block (run_id, company_id, reason, entries)"
                " select :run, id, 'no_rate', 1 from made"
            ),
            {"run": run_id},
        )
        db.session.execute(
            text(
                "with made as (insert into billing_account (payer_id, currency)"
                " select id, 'EUR' from company where name like 'Many%' returning id)"
                " insert into run_warning (run_id, account_id, cause, entries, amount_minor)"
                " select :run, id, 'no_tax_id', 1, 100 from made"
            ),
            {"run": run_id},
        )
    page = month.get(f"/billing/runs/{run_id}").text
    assert '<span class="count">1,203</span>' in page
    assert "Zzz" in page
    assert "Many 0200" in page
    assert "Many 0201" not in page
    assert f"/billing/runs/{run_id}?cause=no_rate&amp;at=2#cause-no_rate" in page
    for url in ("?cause=no_rate&at=7", "?cause=no_tax_id&at=99999999999"):
        last = month.get(f"/billing/runs/{run_id}{url}").text
        assert "Many 1203" in last
        assert "Many 0001" in last  # of the other cause
        assert "Many 1200" not in last
        assert "3 of 1,203, page 7 of 7" in last
        assert "Zzz" in last


def test_the_next_account_is_the_next_by_name(month):
    ids = [month.company(name)[0] for name in ("Beta", "Alpha", "Gamma")]
    run_id = month.compiled()
    beta, alpha, gamma = map(account_of, ids)
    assert run_queries.neighbours(run_id, alpha) == (None, beta)
    assert run_queries.neighbours(run_id, beta) == (alpha, gamma)
    assert run_queries.neighbours(run_id, gamma) == (beta, None)


def test_of_more_that_is_left_out_than_fits_the_page_says_how_many(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    columns = (
        "company_id, staff_id, work_date, recorded_seconds, billable_seconds, state, started_at"
    )
    with unit_of_work():
        db.session.execute(
            text(
                f"with one as (select {columns} from time_entry order by id limit 1),"
                f" made as (insert into time_entry ({columns}, ended_at, non_billable_reason)"
                " select one.*, started_at + recorded_seconds * interval '1 second', ''"
                " from one, generate_series(1, 1003) returning id)"
                " insert into entry_hold (entry_id, reason) select id, 'Asked for it' from made"
            )
        )
    page = month.get(f"/billing/runs/{run_id}/accounts/{account_of(company_id)}").text
    assert '<span class="count">1,003</span>' in page
    assert "The first 1,000 of 1,003 are listed." in page
    assert page.count("Asked for it") == 1000
