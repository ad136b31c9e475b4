"""The queue and the one-page ticket: what they show, what one submit does, what they cost."""

import io
import re
from urllib.parse import unquote

import pytest
from sqlalchemy import func, select

from app.core import forms
from app.core.db import db, unit_of_work
from app.staff.models import Department
from app.tickets import bulk, queries
from app.tickets.models import Event, Ticket
from app.timelog.models import TimeEntry
from tests import factories as make
from tests.web.people import fresh, visitor
from tests.web.ticket_desk import followed, sent

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


def said(ticket):
    with fresh():
        return [
            (event.kind, event.payload.get("text"))
            for event in db.session.scalars(
                select(Event).where(Event.ticket_id == ticket.id).order_by(Event.seq)
            )
        ]


def test_reply_time_and_status_are_one_submit(browser, ticket):
    waiting = queries.first_status("waiting")
    number, status_id = ticket.number, waiting.id
    answer = sent(browser, number, text="On it.", time="0:25", status=status_id)
    assert answer.status_code == 302
    assert [kind for kind, _ in said(ticket)] == ["message", "time", "status"]
    entry = db.session.scalars(select(TimeEntry)).one()
    assert (entry.recorded_seconds, entry.state) == (1500, "approved")
    assert db.session.get(Ticket, ticket.id).category == "waiting"


def test_a_reply_that_is_mailed_to_nobody_says_so(browser, fjord, ticket):
    page = followed(browser, sent(browser, ticket.number, text="Is anybody there?"))
    assert "Reply kept on the ticket and mailed to nobody" in page
    with unit_of_work():
        number = make.ticket(fjord, requester_id=make.contact(fjord).id).number
    assert "Reply sent." in followed(browser, sent(browser, number, text="It is done."))


def test_time_that_may_be_a_slip_is_asked_about_before_any_of_it_is_sent(browser, ticket):
    form = {"text": "It was long ago.", "time": "1h", "work_date": "1990-01-02"}
    asked = sent(browser, ticket.number, **form, files=(io.BytesIO(b"png"), "shot.png"))
    assert asked.status_code == 422
    assert "2 Jan 1990 is more than a year ago" in asked.text
    assert "The time is right" in asked.text
    assert "Files must be chosen again" in asked.text
    assert said(ticket) == []
    assert "1:00 h logged" in followed(browser, sent(browser, ticket.number, **form, right="y"))
    assert [kind for kind, _ in said(ticket)] == ["message", "time"]


def test_a_day_that_is_more_than_full_is_asked_about_beside_what_is_refused(browser, ticket):
    full = {"time": "23:59", "work_date": "2026-03-10"}
    sent(browser, ticket.number, **full, right="y")
    asked = sent(browser, ticket.number, **full).text
    assert "this makes 47:58 h, more than a day has" in asked
    assert "Files must be chosen again" not in asked
    refused = sent(browser, ticket.number, time="26h", work_date="1990-01-02").text
    assert "more than one day" in refused
    assert "The time is right" not in refused


def test_what_a_closed_ticket_refuses_is_not_offered_on_it(browser, fjord):
    with unit_of_work():
        numbers = [
            make.ticket(fjord, category=category).number for category in ("open", "completed")
        ]
    is_open, is_closed = (browser.get(f"/tickets/{number}").text for number in numbers)
    for link in ("/ask", "/estimate/edit"):
        assert f'href="/tickets/{numbers[0]}{link}"' in is_open
        assert f'href="/tickets/{numbers[1]}{link}"' not in is_closed
    assert "To ask for something, open the ticket again first." in is_closed


def test_what_was_just_sent_is_not_sent_again(browser, ticket):
    number = ticket.number
    sent(browser, number, text="It is done.")
    again = followed(browser, sent(browser, number, text=" It is done.\r\n"))
    assert "It was sent already." in again
    refused = sent(browser, number, text="It is done.", time="0:25")
    assert refused.status_code == 422
    assert "This text was sent already" in refused.text
    assert 'value="0:25"' in refused.text
    sent(browser, number, text="It is done.", kind="note")
    assert said(ticket) == [("message", "It is done."), ("note", "It is done.")]
    sent(browser, number, text="Really.")
    sent(browser, number, text="It is done.")
    assert [kind for kind, _ in said(ticket)].count("message") == 3


def box_of(page):
    return re.search(r'<input[^>]*name="take"[^>]*>', page)


def test_who_answers_what_is_nobodys_has_it_when_the_box_says_so(agent, fjord):
    browser, own = agent
    with unit_of_work():
        turns = make.department("Turns")
        turns.assign_mode = "round_robin"
        nobodys, kept, turning = (
            make.ticket(fjord, department_id=each, requester_id=make.contact(fjord).id)
            for each in (None, None, turns.id)
        )
    page = browser.get(f"/tickets/{nobodys.number}").get_data(as_text=True)
    assert "checked" in box_of(page)[0]
    page = browser.get(f"/tickets/{turning.number}").get_data(as_text=True)
    assert "checked" not in box_of(page)[0], "where members come in turn the turn stands"
    sent(browser, nobodys.number, kind="note", text="Hm.", take="y")
    sent(browser, kept.number, text="Here is what I think.")
    with fresh():
        owners = db.session.scalars(select(Ticket.assignee_id)).all()
        assert owners == [None, None, None]
    answer = sent(browser, nobodys.number, text="On it.", take="y")
    page = followed(browser, answer)
    assert "Reply sent, assigned to you." in page
    assert "assignee: <bdi>none</bdi> →" in page
    assert box_of(page) is None
    with fresh():
        assert db.session.get_one(Ticket, nobodys.id).assignee_id == own


def test_a_double_click_sends_once_and_leads_to_the_same_place(browser, ticket):
    number, nonce = ticket.number, forms.new_nonce()
    first = sent(browser, number, text="Once", time="5", nonce=nonce)
    second = sent(browser, number, text="Once", time="5", nonce=nonce)
    assert first.location == second.location
    assert len(said(ticket)) == 2
    assert db.session.scalar(select(func.count()).select_from(TimeEntry)) == 1


def test_a_refused_part_refuses_all_and_loses_nothing_typed(browser, ticket):
    answer = sent(browser, ticket.number, text="Half a day of typing", time="26h")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "26:00 hours are more than one day" in page
    assert "Half a day of typing" in page
    assert "<title>Error:" in page
    assert said(ticket) == []
    assert sent(browser, ticket.number, text="").status_code == 422


def test_not_billable_needs_a_reason(browser, ticket):
    number = ticket.number
    refused = sent(browser, number, time="25", billable="")
    assert "no reason is given" in refused.get_data(as_text=True)
    assert sent(browser, number, time="25", billable="", reason="Our mistake").status_code == 302
    with fresh():
        entry = db.session.scalars(select(TimeEntry)).one()
    assert (entry.billable_seconds, entry.non_billable_reason) == (0, "Our mistake")


def test_an_answer_after_the_end_of_the_session_is_given_back(app, ticket):
    stranger = visitor(app)
    form = {"text": "Half a day\nof typing", "time": "0:25", "secret": "pine forest", "status": "2"}
    form["was-subject"] = "Told before"
    at = f"/tickets/{ticket.number}"
    answer = stranger.post(f"{at}/say", data=form, headers={"Referer": f"http://localhost{at}"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 401
    assert "Half a day\nof typing" in page
    assert 'value="0:25"' in page or ">0:25</textarea>" in page
    assert "pine forest" not in page
    assert "Told before" not in page
    assert f"/login/?next={at}" in unquote(page)
    assert "Files must be chosen again" not in page
    assert said(ticket) == []


def test_files_that_came_after_the_end_of_the_session_must_be_chosen_again(app, ticket):
    form = {"text": "See the picture", "files": (io.BytesIO(b"png"), "shot.png")}
    answer = visitor(app).post(f"/tickets/{ticket.number}/say", data=form)
    assert "Files must be chosen again" in answer.get_data(as_text=True)


def test_a_note_is_marked_and_stays_inside(browser, ticket):
    sent(browser, ticket.number, kind="note", text="Ask Bo")
    page = browser.get(f"/tickets/{ticket.number}").get_data(as_text=True)
    assert "is-internal" in page
    with fresh():
        assert db.session.scalars(select(Event.visibility)).one() == "internal"


def test_somebody_elses_save_is_answered_409_with_both_texts(browser, ticket):
    number, version = ticket.number, ticket.version
    first = browser.post(
        f"/tickets/{number}/fields",
        data={"subject": "Their words", "priority": "high", "version": version},
    )
    assert first.status_code == 302
    second = browser.post(
        f"/tickets/{number}/fields",
        data={"subject": "My words", "priority": "low", "version": version},
    )
    page = second.get_data(as_text=True)
    assert second.status_code == 409
    assert "Somebody else changed" in page
    assert "My words" in page
    assert "Now: Their words" in page
    assert "Now: High" in page


def test_what_was_not_touched_takes_what_somebody_else_saved_meanwhile(browser, ticket):
    number, version, old = ticket.number, ticket.version, ticket.subject
    shown = {"subject": old, "priority": "normal", "tags": "", "version": version}
    was = {f"was-{name}": value for name, value in shown.items()}
    fields = f"/tickets/{number}/fields"
    browser.post(fields, data=shown | was | {"priority": "urgent", "tags": "printer"})
    page = browser.post(fields, data=shown | was | {"subject": "Mine", "tags": "mine"})
    assert page.status_code == 409
    form = page.get_data(as_text=True).partition('id="fields"')[2].partition("</form>")[0]
    assert '<option value="urgent" selected>' in form, "theirs, as it was not touched"
    assert 'name="subject" value="Mine"' in form
    assert f"Now: {old}" in form
    assert 'name="tags" value="mine"' in form, "both changed it: one's own stays"
    assert "Now: printer" in form
    again = dict(
        re.findall(r'<input[^>]*name="((?:was-)?(?:tags|priority)|version)" value="([^"]*)"', form)
    )
    assert again["was-tags"] == "printer"
    assert again["was-priority"] == "urgent"
    assert int(again["version"]) > version


def test_files_come_back_only_as_downloads(browser, ticket):
    number = ticket.number
    sent(
        browser,
        number,
        text="See file",
        files=(io.BytesIO(b"<script>alert(1)</script>"), '../<b>"évil".html', "text/html"),
    )
    page = browser.get(f"/tickets/{number}").get_data(as_text=True)
    [address] = re.findall(r'href="(/attachments/\d+)"', page)
    answer = browser.get(address)
    assert answer.data == b"<script>alert(1)</script>"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.mimetype == "application/octet-stream"
    assert browser.get("/attachments/99999").status_code == 404


def test_hostile_text_is_shown_as_text_everywhere(browser, app):
    with unit_of_work():
        company = make.company(HOSTILE)
        contact = make.contact(company, HOSTILE)
        ticket = make.ticket(company, HOSTILE, requester_id=contact.id, category="new")
        make.department(HOSTILE)
        make.work_type(HOSTILE[:90])
    number = ticket.number
    sent(browser, number, text=HOSTILE, time="25", description=HOSTILE)
    sent(browser, number, kind="note", text=HOSTILE)
    browser.post(f"/tickets/{number}/fields", data={"subject": HOSTILE + " again", "version": 2})
    for address in (
        "/tickets/?view=all",
        f"/tickets/?view=all&q={HOSTILE[:20]}",
        f"/tickets/{number}",
        "/time/week",
        f"/tickets/new?company_text={HOSTILE[:25]}",
        "/departments/list/",
        "/work-types/list/",
    ):
        page = browser.get(address).get_data(as_text=True)
        assert "<script>alert" not in page, address
        assert "<img src=x" not in page, address
    assert "&lt;script&gt;alert(1)" in browser.get(f"/tickets/{number}").get_data(as_text=True)


def test_a_new_ticket_takes_the_callers_company(browser, fjord):
    with unit_of_work():
        ana = make.contact(fjord, "Ana")
    answer = browser.post(
        "/tickets/new",
        data={
            "nonce": forms.new_nonce(),
            "subject": "No network",
            "contact_text": "Ana",
            "message": "Since nine",
        },
    )
    assert answer.status_code == 302
    with fresh():
        ticket = db.session.scalars(select(Ticket)).one()
    assert (ticket.company_id, ticket.requester_id) == (fjord.id, ana.id)
    refused = browser.post(
        "/tickets/new",
        data={"nonce": forms.new_nonce(), "subject": "", "company_text": "Nobody"},
    )
    assert refused.status_code == 422
    assert "No company is called “Nobody”" in refused.get_data(as_text=True)


def test_views_filters_and_search_live_in_the_address(browser, agent, fjord):
    _, own = agent
    with unit_of_work():
        other = make.company("Blue Harbour")
        make.ticket(fjord, "Mine is this", assignee_id=own)
        make.ticket(other, "Nobody has it")
        make.ticket(other, "Done long ago", category="completed", assignee_id=own)

    def shown(query):
        page = browser.get(f"/tickets/?{query}").get_data(as_text=True)
        return {
            title for title in ("Mine is this", "Nobody has it", "Done long ago") if title in page
        }

    assert shown("") == {"Mine is this"}
    assert shown("view=unassigned") == {"Nobody has it"}
    assert shown("view=open") == {"Mine is this", "Nobody has it"}
    assert shown("view=all&q=harbour") == {"Nobody has it", "Done long ago"}
    assert shown("view=all&q=LONG+ago") == {"Done long ago"}
    assert shown("view=all&q=1001") == {"Mine is this"}
    assert shown("view=all&q=100%25") == set()
    assert shown("view=nonsense&status=x&after=zzz&department=99999999999999999999") == {
        "Mine is this"
    }


def test_pages_by_key_show_every_ticket_once(browser, fjord):
    with unit_of_work():
        status = queries.first_status("open").id
        bulk.open_many(
            [
                bulk.PastTicket(f"Ticket {n}", fjord.id, status, "open", make.NOON)
                for n in range(120)
            ],
            actor=bulk_actor(),
        )
    seen, address = [], "/tickets/?view=open"
    while address:
        page = browser.get(address).get_data(as_text=True)
        seen += re.findall(r'data-row-link href="/tickets/(\d+)"', page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        address = following.group(1).replace("&amp;", "&") if following else None
    assert len(seen) == len(set(seen)) == 120
    before = re.search(r'href="([^"]+)" rel="prev"', page).group(1).replace("&amp;", "&")
    back = re.findall(
        r'data-row-link href="/tickets/(\d+)"', browser.get(before).get_data(as_text=True)
    )
    assert back == seen[50:100]


def bulk_actor():
    from app.core.audit import SYSTEM

    return SYSTEM


def test_many_tickets_are_changed_at_once(browser, agent, fjord):
    _, own = agent
    with unit_of_work():
        ids = [make.ticket(fjord).id for _ in range(3)]
    answer = browser.post(
        "/tickets/bulk",
        data={"nonce": forms.new_nonce(), "ticket": ids, "do": "mine", "back": "//evil.example"},
    )
    assert answer.location == "/tickets/?undo=1"
    with fresh():
        assert set(db.session.scalars(select(Ticket.assignee_id))) == {own}
    none = browser.post("/tickets/bulk", data={"nonce": forms.new_nonce(), "do": "mine"})
    assert "No ticket is ticked" in followed(browser, none)


def test_the_own_queue_asks_the_same_of_ten_tickets_and_of_a_hundred(agent, fjord, statements):
    browser, own = agent
    few, many = [], []
    for more, seen in ((10, few), (90, many)):
        with unit_of_work():
            for _ in range(more):
                make.ticket(fjord, assignee_id=own)
        browser.get("/tickets/")
        with statements() as asked:
            page = browser.get("/tickets/").text
        seen.extend(asked)
    assert page.count("data-row-link") == 50
    assert len(few) == len(many) <= 6, many


def test_the_ticket_page_asks_the_same_of_ten_events_and_of_a_hundred(browser, ticket, statements):
    from app.tickets import timeline

    number, actor = ticket.number, bulk_actor()
    few, many = [], []
    for notes, seen in ((range(10), few), (range(10, 100), many)):
        with unit_of_work():
            timeline.append_many(
                [timeline.Note(ticket.id, "note", {"text": f"Note {n}"}) for n in notes],
                actor=actor,
            )
        browser.get(f"/tickets/{number}")
        with statements() as asked:
            page = browser.get(f"/tickets/{number}").text
        seen.extend(asked)
        assert f"Note {notes[-1]}" in page
        assert len(page.encode()) < 150_000
    assert len(few) == len(many) <= 8, many


def test_earlier_events_are_folded_and_fetched_by_key(browser, ticket):
    from app.tickets import timeline

    with unit_of_work():
        timeline.append_many(
            [timeline.Note(ticket.id, "note", {"text": f"Note-{n}."}) for n in range(1, 121)],
            actor=bulk_actor(),
        )
    page = browser.get(f"/tickets/{ticket.number}").get_data(as_text=True)
    assert "Show 70 earlier events" in page
    part = browser.get(
        f"/tickets/{ticket.number}/events?before=71", headers={"HX-Request": "true"}
    ).get_data(as_text=True)
    assert "Note-70." in part
    assert "Note-21." in part
    assert "Note-71." not in part
    assert "Show 20 earlier" in part
    plain = browser.get(f"/tickets/{ticket.number}/events?before=71")
    assert "Note-70." in followed(browser, plain)


def test_every_reason_against_time_or_a_ticket_is_told_at_once_and_all_is_kept(browser, fjord):
    with unit_of_work():
        make.company("Fjord Dental Billing")
    typed = {"time": "26h", "ticket": "x1", "company_text": "Fjord Den", "description": "Kept."}
    day = "2026-03-10"
    form = {"nonce": forms.new_nonce(), "work_date": day, "billable": "y", **typed}
    refused = browser.post(f"/time/add?day={day}", data=form)
    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    for reason in (
        "26:00 hours are more than one day",
        "“x1” is no ticket number",
        "could be each of Fjord Dental, Fjord Dental Billing",
    ):
        assert reason in page
    for kept in (*typed.values(), day):
        assert f'value="{kept}"' in page
    assert 'name="day" value="2026-03-09"' in page, "the week that was looked at"
    form = {"nonce": forms.new_nonce(), "subject": " ", "company_text": "Nobody", "due": "soon"}
    page = browser.post("/tickets/new", data=form).get_data(as_text=True)
    for reason in ("The subject is empty", "No company is called “Nobody”", "“soon” is no date"):
        assert reason in page


@pytest.mark.parametrize("due", ["9999-12-31T23:59", "0001-01-01T00:00"])
def test_a_due_date_that_is_none_in_other_zones_is_refused(browser, ticket, due):
    answer = browser.post(f"/tickets/{ticket.number}/fields", data={"due": due})
    assert answer.status_code == 422
    assert f"The due date “{due}” is no date and time" in answer.get_data(as_text=True)


def test_a_field_that_is_none_of_its_list_changes_nothing(browser, ticket):
    from_me = {"assignee": "", "priority": "high"}
    for name in ("assignee", "department", "requester", "status"):
        answer = browser.post(f"/tickets/{ticket.number}/fields", data={**from_me, name: "x7"})
        assert answer.status_code == 422
        assert f"{name.capitalize()}: “x7” is none of the list." in answer.get_data(as_text=True)
    db.session.rollback()
    assert db.session.get(Ticket, ticket.id).priority == "normal"


def test_a_new_ticket_says_which_departments_choose_who_gets_it(browser):
    assert "lets the department choose" not in browser.get("/tickets/new").get_data(as_text=True)
    with unit_of_work():
        db.session.add(Department(name="Field work", assign_mode="round_robin"))
        db.session.add(Department(name="Office"))
    shown = browser.get("/tickets/new").get_data(as_text=True)
    assert "“Nobody yet” lets the department choose by turn: Field work." in shown
