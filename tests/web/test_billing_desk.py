"""The month-end run on the desk: each adjustment, each button pressed twice, each refusal."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import select, text

from app.billing import run_queries
from app.billing.commands import extras
from app.billing.models import BillingAccount, BillingRun, Document, ExtraLine, RunBlock
from app.companies.models import Company
from app.core import clock, jobs
from app.core.db import db, unit_of_work
from app.core.forms import new_nonce
from app.core.models import Job, Mail
from app.staff import permissions
from app.timelog.models import TimeEntry
from tests import factories as make
from tests.billing.desk import CLERK, assert_books
from tests.web.import_desk import words
from tests.web.month import (
    account_of,
    adjust,
    count,
    entries_in,
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


def test_one_account_can_be_issued_alone(month):
    first, _ = month.company("A Ltd")
    month.company("B Ltd")
    run_id = month.compiled()
    assert "1 invoice issued" in month.issued(run_id, account=account_of(first))
    assert one(Document).payer_id == first


def test_a_preview_opens_to_the_arithmetic_of_each_entry(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    page = month.get(f"/billing/runs/{run_id}/accounts/{account_of(company_id)}").text
    assert "Server of Fjord Dental" in page
    assert "Real time 1:00 h, all of it billable." in page
    assert "EUR\u00a0120.00 an hour" in page
    assert "No tax 0 % is on top." in page
    assert "360.00" in page


def test_a_held_entry_leaves_the_preview_at_once_and_comes_back(month):
    company_id, _ = month.company()
    run_id, (entry, _) = month.compiled(), entries_in()
    adjust(month, run_id, company_id, do="hold", id=entry, reason="Ask Ana", until="2026-04-01")
    assert row_of(run_id, company_id).gross_minor == 24000
    page = month.get(f"/billing/runs/{run_id}/accounts/{account_of(company_id)}").text
    assert "Held until 1 Apr 2026" in page
    assert "Ask Ana" in page
    assert "no longer holds" not in page
    adjust(month, run_id, company_id, do="bill", id=entry)
    assert row_of(run_id, company_id).gross_minor == 36000


def test_a_hold_that_would_not_hold_is_refused(month):
    company_id, _ = month.company()
    run_id, (entry, _) = month.compiled(), entries_in()
    held = {"do": "hold", "id": entry, "reason": "Ask Ana", "until": "2020-01-01"}
    refused = adjust(month, run_id, company_id, **held)
    assert row_of(run_id, company_id).gross_minor == 36000
    assert "1 Jan 2020 is not after 31 Mar 2026" in refused.text
    assert 'value="Ask Ana"' in refused.text
    assert "Held until" not in month.get(f"/billing/runs/{run_id}").text


def test_writing_off_wants_a_reason(month):
    company_id, _ = month.company()
    run_id, (entry, _) = month.compiled(), entries_in()
    refused = adjust(month, run_id, company_id, do="write_off", id=entry, reason=" ")
    assert row_of(run_id, company_id).gross_minor == 36000
    assert "Give a reason" in refused.text
    adjust(month, run_id, company_id, do="write_off", id=entry, reason="Our fault")
    assert row_of(run_id, company_id).gross_minor == 24000
    again = adjust(month, run_id, company_id, do="write_off", id=entry, reason="Our fault")
    assert "The time of Mira on 10 Mar 2026 is written off" in again.text
    assert "Bill it again" in again.text
    assert "credit note" not in again.text


def test_writing_off_is_a_permission_of_its_own(month):
    company_id, _ = month.company()
    run_id, (entry, _) = month.compiled(), entries_in()
    with unit_of_work():
        kept = permissions.pairs_of("Billing") - {("write_off", "Time")}
        permissions.set_permissions("Billing", kept, actor=CLERK)
    answer = adjust(month, run_id, company_id, do="write_off", id=entry, reason="Our fault")
    assert answer.status_code == 403
    assert row_of(run_id, company_id).gross_minor == 36000
    page = f"/billing/runs/{run_id}/accounts/{account_of(company_id)}/entries?id={entry}"
    assert "It stays visible as written off" not in month.get(page).text


def test_a_moved_entry_is_billed_to_the_other_company(month):
    ours, _ = month.company("Ours")
    theirs, ticket_id = month.company("Theirs", hours=(1,))
    run_id, (entry, *_) = month.compiled(), entries_in()
    adjust(month, run_id, ours, do="move", id=entry, ticket=ticket_id)
    assert row_of(run_id, ours).gross_minor == 24000
    assert row_of(run_id, theirs).gross_minor == 24000
    assert "2 invoices issued" in month.issued(run_id)


def test_a_ticket_that_is_not_there_is_told_beside_its_field(month):
    company_id, _ = month.company()
    run_id, (entry, _) = month.compiled(), entries_in()
    for typed in ({"ticket": "99999999"}, {"ticket_text": "99999999"}, {"ticket_text": "abc"}, {}):
        refused = adjust(month, run_id, company_id, do="move", id=entry, **typed)
        assert refused.status_code == 422
        assert "choose one from the list, or type its number" in refused.text
        assert f'name="id" value="{entry}"' in refused.text


def test_lines_discounts_and_grouping_change_the_preview_at_once(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    here = f"/billing/runs/{run_id}/accounts/{account_of(company_id)}"
    month.post(f"{here}/grouping", grouping="person")
    assert row_of(run_id, company_id).lines == 2
    refused = month.post(f"{here}/lines", text="Nothing", unit_price="40", quantity="0").text
    assert "A quantity of 0 adds nothing" in refused
    month.post(f"{here}/lines", text="Licence", unit_price="40", quantity="2", unit="seat")
    assert row_of(run_id, company_id).gross_minor == 44000
    month.post(f"{here}/discounts", text="Loyal", value="10", how="percent")
    assert row_of(run_id, company_id).gross_minor == 39600
    page = month.get(here).text
    assert "Licence" in page
    assert 'data-label="Quantity">2 seat</span>' in page
    assert 'data-label="Rate">40.00</span>' in page
    month.post(f"{here}/lines", text="Returned", unit_price="1", quantity="-1", unit="pc")
    assert "\u22121 pc at 1.00" in month.get(here).text
    month.issued(run_id)
    page_of_invoice = month.get("/billing/invoices/1").text
    assert 'data-label="Quantity">2 seat</span>' in page_of_invoice
    assert 'data-label="Rate">40.00</span>' in page_of_invoice
    assert "Loyal, 10\u00a0%" in page_of_invoice


def test_a_discount_of_more_than_there_is_says_how_much_waits(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    here = f"/billing/runs/{run_id}/accounts/{account_of(company_id)}"
    said = month.post(f"{here}/discounts", text="Sorry", value="400", how="amount")
    page = month.get(said.location or here).text
    assert "The discount is added, but EUR\u00a040.00 of it is more than there is" in page


def test_a_cause_says_of_how_many_accounts_and_what_they_come_to(month):
    month.company()
    page = words(month.get(f"/billing/runs/{month.compiled()}").text)
    assert "No tax id 1 account EUR 360.00 in all" in page


def test_what_was_added_by_hand_is_taken_away_again(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    here = f"/billing/runs/{run_id}/accounts/{account_of(company_id)}"
    month.post(f"{here}/lines", text="Licence", unit_price="40")
    month.post(f"{here}/discounts", text="Loyal", value="10", how="percent")
    assert row_of(run_id, company_id).gross_minor == 36000
    page = month.get(here).text
    for extra_id in re.findall(r"/lines/(\d+)/remove", page):
        month.post(f"{here}/lines/{extra_id}/remove")
    assert row_of(run_id, company_id).gross_minor == 36000
    assert month.post(f"{here}/lines/77/remove").status_code == 404


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


def test_an_issued_account_cannot_be_adjusted_any_more(month):
    company_id, _ = month.company()
    run_id, (entry, _) = month.compiled(), entries_in()
    month.issued(run_id)
    refused = adjust(month, run_id, company_id, do="hold", id=entry, reason="Too late")
    assert "issued meanwhile as INV-2026-00001" in refused.text
    assert row_of(run_id, company_id).state == "issued"


def test_nothing_is_added_to_an_account_that_was_issued_meanwhile(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    here = f"/billing/runs/{run_id}/accounts/{account_of(company_id)}"
    month.issued(run_id)
    line = month.post(f"{here}/lines", text="Late line", unit_price="10")
    discount = month.post(f"{here}/discounts", text="Late", value="10", how="percent")
    for answer in (line, discount):
        assert answer.status_code == 422
        assert "issued meanwhile as INV-2026-00001, so nothing is changed: void" in answer.text
    [invoice] = db.session.scalars(select(Document.id))
    month.post(f"/billing/invoices/{invoice}/void", reason="Wrong month")
    line = month.post(f"{here}/lines", text="Late line", unit_price="10")
    assert "so nothing is changed: see to it in the next run" in line.text
    assert count(ExtraLine) == 0


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


def test_the_rounding_of_an_account_is_told_in_words(month):
    company_id, _ = month.company()
    page = month.get(f"/billing/runs/{month.compiled()}/accounts/{account_of(company_id)}").text
    assert "Each line is rounded once, to the smallest coin." in page
    assert "Tax is computed on the sum of each rate." in page
    assert "line-once" not in page


def test_what_is_held_waits_for_a_later_run_as_the_form_says(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    url = f"/billing/runs/{run_id}/accounts/{account_of(company_id)}/entries"
    page = month.get(f"{url}?id={entries_in()[0]}").text
    assert "Next month" not in page
    assert "Bill it later" in page
    assert "Left out of runs through an earlier day." in page
    assert 'value="2026-04-01"' in page


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


def test_a_line_in_a_currency_left_behind_is_shown_and_mended(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    account_id = account_of(company_id)
    at = f"/billing/runs/{run_id}/accounts/{account_id}"
    month.post(f"{at}/lines", text="Licence", unit_price="200")
    with unit_of_work():
        make.rate("90", currency="USD")
        db.session.get(Company, company_id).currency = "USD"
    run_id = month.compiled()
    page = month.get(f"/billing/runs/{run_id}").text
    assert "In a currency left behind" in page
    assert "1 line<" in page
    assert "USD" in page
    at = f"/billing/runs/{run_id}/accounts/{account_id}"
    assert f'href="{at}"' in page
    [line] = db.session.scalars(select(ExtraLine)).all()
    page = month.get(at).text
    assert "Waiting in EUR" in page
    assert "Add a line" not in page
    refused = month.post(f"{at}/lines/{line.id}/restate", **{f"price-{line.id}": "much"})
    assert refused.status_code == 422
    assert 'value="much"' in refused.text
    answer = month.post(f"{at}/lines/{line.id}/restate", **{f"price-{line.id}": "215"})
    assert "next invoice in USD" in month.get(answer.location).text
    page = month.get(f"/billing/runs/{run_id}").text
    assert "In a currency left behind" not in page
    assert "485.00" in page  # three hours at 90, and 215
    assert month.post(f"{at}/lines/{line.id}/restate").status_code == 404
    month.issued(run_id)
    assert_books()


def test_a_line_of_an_archived_company_is_shown_with_its_ways_out(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    account_id = account_of(company_id)
    month.post(
        f"/billing/runs/{run_id}/accounts/{account_id}/lines", text="Licence", unit_price="7"
    )
    with unit_of_work():
        db.session.get(Company, company_id).archived_at = clock.now()
    run_id = month.compiled()
    at = f"/billing/runs/{run_id}/accounts/{account_id}"
    page = month.get(f"/billing/runs/{run_id}").text
    assert "Lines of an archived company" in page
    assert f'href="{at}"' in page
    assert 'aria-label="See the lines: Fjord Dental"' in page
    [line] = db.session.scalars(select(ExtraLine)).all()
    page = month.get(at).text
    assert "so nobody pays" in page
    assert "Add a line" not in page
    assert f"{at}/lines/{line.id}/remove" in page
    month.post(f"{at}/lines/{line.id}/remove")
    assert "Lines of an archived company" not in month.get(f"/billing/runs/{run_id}").text


def test_lines_of_an_archived_company_are_billed_to_another_in_one_step(month):
    gone, _ = month.company(hours=())
    heir, _ = month.company("Heir Ltd", hours=(1,))
    with unit_of_work():
        account = make.account(db.session.get(Company, gone))
        for text, price in (("Licence", "7"), ("Hosting", "30.50")):
            extras.add_line(CLERK, account.id, text=text, unit_price=Decimal(price))
        extras.add_discount(CLERK, account.id, text="Loyal", percent=Decimal(10))
        db.session.get(Company, gone).archived_at = clock.now()
        account_id = account.id
    run_id = month.compiled()
    at = f"/billing/runs/{run_id}/accounts/{account_id}"
    assert "Have another company pay" in month.get(at).text
    refused = month.post(f"{at}/lines/hand-over", company_text="Nobody we know")
    assert refused.status_code == 422
    assert 'value="Nobody we know"' in refused.text
    refused = month.post(f"{at}/lines/hand-over", company=gone, company_text="Fjord Dental")
    assert refused.status_code == 422
    answer = month.post(f"{at}/lines/hand-over", company=heir, company_text="Heir Ltd")
    assert "3 lines wait for an invoice to Heir Ltd" in month.get(answer.location).text
    page = month.get(f"/billing/runs/{run_id}").text
    assert "Lines of an archived company" not in page
    month.issued(run_id)
    [invoice] = db.session.scalars(select(Document)).all()
    assert (invoice.payer_id, invoice.net_minor) == (heir, 14175)
    assert month.post(f"{at}/lines/hand-over", company=heir).status_code == 422
    assert_books()


def test_lines_handed_over_in_another_currency_ask_for_their_price(month):
    gone, _ = month.company(hours=())
    heir, _ = month.company("Heir Ltd", hours=(1,), currency="USD")
    with unit_of_work():
        make.rate("90", currency="USD")
        account_id = make.account(db.session.get(Company, gone)).id
        extras.add_line(CLERK, account_id, text="Licence", unit_price=Decimal(7))
        db.session.get(Company, gone).archived_at = clock.now()
    run_id = month.compiled()
    at = f"/billing/runs/{run_id}/accounts"
    answer = month.post(f"{at}/{account_id}/lines/hand-over", company=heir)
    assert "billed in USD: give each its price there" in month.get(answer.location).text
    assert "In a currency left behind" in month.get(f"/billing/runs/{run_id}").text
    [line] = db.session.scalars(select(ExtraLine)).all()
    month.post(f"{at}/{line.account_id}/lines/{line.id}/restate", **{f"price-{line.id}": "8"})
    month.issued(run_id)
    [invoice] = db.session.scalars(select(Document)).all()
    assert (invoice.payer_id, invoice.currency, invoice.net_minor) == (heir, "USD", 9800)
    assert_books()


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
