"""Going through what is worth a look: the causes of a run, their rows, and every group action."""

import re

from sqlalchemy import select

from app.billing.models import RunWarning
from app.core.db import db, unit_of_work
from app.core.forms import new_nonce
from app.tickets.models import Event
from app.timelog.models import EntryQuestion, Timer
from tests import factories as make
from tests.web.month import count, entries_in, one, row_of
from tests.web.people import person, signed_in


def test_causes_stand_with_count_amount_words_and_rows(month):
    company_id, _ = month.company(hours=(9, 1))
    run_id = month.compiled()
    page = month.get(f"/billing/runs/{run_id}").text
    assert "Worth a look" in page
    assert "Over 8 hours" in page
    assert "1 entry is longer than 8 hours." in page
    assert f"/billing/runs/{run_id}/causes/long_entry" in page
    rows = month.get(f"/billing/runs/{run_id}/causes/long_entry").text
    assert rows.count('name="id"') == 1
    assert "Mira" in rows
    assert month.get(f"/billing/runs/{run_id}/causes/no_tax_id").status_code == 404
    assert month.get(f"/billing/runs/{run_id}/causes/weather").status_code == 404
    assert row_of(run_id, company_id).state == "ready"


def test_a_cause_is_accepted_with_a_reason_and_looked_at_again(month):
    month.company(hours=(9,))
    run_id = month.compiled()
    url = f"/billing/runs/{run_id}/causes/long_entry"
    refused = month.post(url, do="accept", reason=" ")
    assert refused.status_code == 422
    assert "Give a reason" in refused.text
    month.post(url, do="accept", reason="The night of the move")
    assert "Accepted: The night of the move" in month.get(f"/billing/runs/{run_id}").text
    month.post(url, do="look_again")
    assert "Accepted:" not in month.get(f"/billing/runs/{run_id}").text
    nothing = f"/billing/runs/{run_id}/causes/no_tax_id"
    assert month.post(nothing, do="accept", reason="A private person").status_code == 302
    assert one(RunWarning, cause="no_tax_id").accepted_reason == "A private person"


def test_entries_behind_a_cause_are_held_to_next_month(month):
    company_id, _ = month.company(hours=(9, 10, 1))
    run_id = month.compiled()
    url = f"/billing/runs/{run_id}/causes/long_entry"
    first = entries_in()[0]
    month.post(url, do="hold", until="2026-04-01", id=first)
    assert row_of(run_id, company_id).entries == 2
    page = month.get(f"/billing/runs/{run_id}").text
    assert "1 entry kept back until 1 Apr 2026." in page
    month.post(url, do="hold", until="2026-04-01")
    assert row_of(run_id, company_id).entries == 1
    again = month.post(url, do="hold", until="2026-04-01")
    assert again.status_code == 422
    assert "None of these entries is in the run any more" in again.text


def test_the_agent_is_asked_on_the_week_and_on_the_ticket_and_answers(month):
    agent = person("Agent")
    with unit_of_work():
        company = make.company("Nine Ltd")
        ticket = make.ticket(company, "Server")
        staff = make.staff_of(db.session.merge(agent))
        make.entry(company, by=staff, seconds=9 * 3600, ticket_id=ticket.id)
    run_id = month.compiled()
    url = f"/billing/runs/{run_id}/causes/long_entry"
    refused = month.post(url, do="ask", question="")
    assert refused.status_code == 422
    assert "Write the question" in refused.text
    month.post(url, do="ask", question="Did the clock run all night?")
    note = db.session.scalars(select(Event).where(Event.kind == "note")).one()
    assert note.visibility == "internal"
    assert "your time of 10 Mar 2026: Did the clock run all night?" in note.payload["text"]
    client = signed_in(month.app, db.session.merge(agent))
    assert "Did the clock run all night?" in client.get("/time/week").text
    question = one(EntryQuestion)
    client.post(
        f"/time/questions/{question.id}", data={"nonce": new_nonce(), "answer": "No, a migration"}
    )
    assert "Did the clock run all night?" not in client.get("/time/week").text
    assert "No, a migration" in month.get(url).text
    assert len(db.session.scalars(select(Event).where(Event.kind == "note")).all()) == 2


def test_a_question_is_answered_by_whom_it_asks_and_by_nobody_else(month):
    month.company(hours=(9,))
    run_id = month.compiled()
    month.post(f"/billing/runs/{run_id}/causes/long_entry", do="ask", question="All night?")
    month.post(f"/billing/runs/{run_id}/causes/long_entry", do="ask", question="Really?")
    assert one(EntryQuestion).question == "Really?"
    other = signed_in(month.app, person("Agent"))
    answer = other.post("/time/questions/1", data={"nonce": new_nonce(), "answer": "Yes"})
    assert answer.status_code == 404
    assert one(EntryQuestion).answered_at is None
    assert count(EntryQuestion) == 1


def test_a_running_timer_names_its_person_and_leads_to_the_ticket(month):
    company_id, ticket_id = month.company()
    with unit_of_work():
        ticket = db.session.get(make.Ticket, ticket_id)
        number = ticket.number
        db.session.add(
            Timer(
                staff_id=month.mira.id,
                ticket_id=ticket_id,
                first_started_at=make.NOON,
                started_at=make.NOON,
                seen_at=make.NOON,
            )
        )
    run_id = month.compiled()
    assert row_of(run_id, company_id).state == "blocked"
    for page in (
        month.get(f"/billing/runs/{run_id}").text,
        month.get(f"/billing/runs/{run_id}/accounts/{row_of(run_id, company_id).account_id}").text,
    ):
        assert f'aria-label="Timer of Mira on ticket {number}: Fjord Dental"' in page
        assert f'href="/tickets/{number}"' in page


def test_every_reason_that_blocks_leads_to_its_mending(month):
    with unit_of_work():
        yen = make.company("Yen Ltd", currency="JPY")
        make.entry(yen, by=month.mira)
        late = make.company("Late Ltd")
        make.entry(late, by=month.mira, state="submitted")
        lost = make.company("Lost Ltd", archived_at=make.NOON)
        make.entry(lost, by=month.mira)
    run_id = month.compiled()
    page = month.get(f"/billing/runs/{run_id}").text
    for words in (
        "Add a rate: Yen Ltd",
        "See the time: Late Ltd",
        "Set who pays: Lost Ltd",
    ):
        assert f'aria-label="{words}"' in page
    assert f'/companies/show/{lost.id}#bill-to"' in page, "where who pays is set"


def test_a_second_person_approves_on_the_preview(month):
    with unit_of_work():
        make.set_up_agency(second_person_above={"EUR": 300})
    company_id, _ = month.company()
    run_id = month.compiled()
    row = row_of(run_id, company_id)
    preview = f"/billing/runs/{run_id}/accounts/{row.account_id}"
    assert "wants a second person" in month.get(f"/billing/runs/{run_id}").text
    assert "You had a hand in it" in month.get(preview).text
    assert "somebody who neither compiled" in month.issued(run_id)
    other = signed_in(month.app, person("Billing"))
    assert "Approve it" in other.get(preview).text
    other.post(f"{preview}/second", data={"nonce": new_nonce(), "preview": row.preview_hash})
    assert "Approved by" in month.get(preview).text
    assert "approved by" in month.get(f"/billing/runs/{run_id}").text
    assert "1 invoice issued" in month.issued(run_id)


def test_the_amount_is_set_on_the_agency_page_and_emptied_again(month):
    admin = signed_in(month.app, person("Admin"))
    for typed, kept in (("10000; 12000 usd", {"EUR": 10000, "USD": 12000}), ("", {})):
        data = {"nonce": new_nonce(), "name": "Fjord", "second_person_above": typed}
        assert admin.post("/settings/agency", data=data).status_code == 302
        assert one(make.Agency).second_person_above == kept


def test_a_partly_billable_entry_stays_so_when_it_is_saved(month):
    month.company(hours=(2,))
    entry = entries_in()[0]
    with unit_of_work():
        row = db.session.get(make.TimeEntry, entry)
        row.billable_seconds, row.non_billable_reason = 1800, "Half an hour of ours"
    version = one(make.TimeEntry, id=entry).version
    page = month.get(f"/time/{entry}").text
    assert 'name="billable_time" value="0:30"' in page
    sent = {
        "time": "2:00",
        "work_date": "2026-03-10",
        "billable": "y",
        "reason": "Half an hour of ours",
    }
    url = f"/time/{entry}"
    too_much = month.post(url, **sent, billable_time="2:30", version=version)
    assert too_much.status_code == 422
    assert "write at most what was worked" in too_much.text
    no_reason = month.post(url, **(sent | {"reason": ""}), billable_time="0:30", version=version)
    assert no_reason.status_code == 422
    assert month.post(url, **sent, billable_time="0:45", version=version).status_code == 302
    kept = one(make.TimeEntry, id=entry)
    assert (kept.billable_seconds, kept.non_billable_reason) == (2700, "Half an hour of ours")


def test_a_manager_is_the_second_person_and_changes_nothing(month):
    with unit_of_work():
        make.set_up_agency(second_person_above={"EUR": 300})
    company_id, _ = month.company()
    run_id = month.compiled()
    row = row_of(run_id, company_id)
    preview = f"/billing/runs/{run_id}/accounts/{row.account_id}"
    manager = signed_in(month.app, person("Manager"))
    assert preview in manager.get(f"/billing/runs/{run_id}").text
    page = manager.get(preview).text
    assert "Approve it" in page
    for action in ("Add the line", "Change the text", "Hold, move or write off", "Issue this one"):
        assert action not in page
    manager.post(f"{preview}/second", data={"nonce": new_nonce(), "preview": row.preview_hash})
    assert "Approved by" in month.get(preview).text
    assert "1 invoice issued" in month.issued(run_id)


def test_a_text_is_changed_in_the_preview_and_taken_back(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    preview = f"/billing/runs/{run_id}/accounts/{row_of(run_id, company_id).account_id}"
    page = month.get(preview).text
    assert "Change the text" in page
    key = {
        name: re.search(f'name="{name}" value="([^"]*)"', page)[1]
        for name in ("of_text", "of_price", "of_tax")
    }
    month.post(f"{preview}/texts", **key, new_text="Server, repaired")
    page = month.get(preview).text
    assert f'<del class="muted">{key["of_text"]}</del>' in page
    assert "Server, repaired" in page
    assert "Text by" in page
    [undo] = re.findall(rf'action="({preview}/lines/\d+/remove)"', page)
    refused = month.post(f"{preview}/texts", **key, new_text="x" * 501)
    assert refused.status_code == 422
    assert "x" * 501 in refused.text
    gone = month.post(f"{preview}/texts", **(key | {"of_price": "1"}), new_text="Elsewhere")
    assert "The line is not there any more" in gone.text
    month.post(undo)
    assert "<del" not in month.get(preview).text


def test_a_refused_line_and_discount_keep_what_was_typed(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    preview = f"/billing/runs/{run_id}/accounts/{row_of(run_id, company_id).account_id}"
    line = month.post(f"{preview}/lines", text="A long way", quantity="2,5", unit_price="dear")
    assert line.status_code == 422
    assert 'value="A long way"' in line.text
    assert 'value="2,5"' in line.text
    assert 'value="dear"' in line.text
    assert '<details class="panel" open>' in line.text
    discount = month.post(f"{preview}/discounts", text="Loyal", value="120", how="percent")
    assert discount.status_code == 422
    assert 'value="Loyal"' in discount.text
    assert 'value="120"' in discount.text
