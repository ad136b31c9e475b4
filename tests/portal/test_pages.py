"""What a client does on the pages, and what each answers."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from app.communications import actions
from app.companies.models import Contact
from app.core import clock
from app.core.db import db, unit_of_work
from app.tickets import client_commands, commands, joining, queries
from app.tickets.models import Event, Rating, Ticket
from app.vault import sealing
from app.vault.models import Credential
from tests import factories as make
from tests.portal.acting import STAFF, acting, sent
from tests.portal.conftest import PASSWORD
from tests.portal.door import text_of
from tests.web.people import client_in, person, portal_account, signed_in, visitor

PAGES = (
    *("/portal/", "/portal/requests/", "/portal/requests/new", "/portal/profile"),
    "/portal/logins",
)


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_for_clients_who_are_in(app, mira, path):
    assert mira.get(path).status_code == 200
    answer = visitor(app).get(path)
    assert answer.status_code == 302
    assert answer.location.startswith("/portal/sign-in?next=/portal/")


def test_home_begins_with_what_waits_for_the_client(app, northwind, mira):
    with unit_of_work():
        waits = make.ticket(
            northwind.company, "Which colour?", category="waiting", requester_id=northwind.mira.id
        )
        make.ticket(northwind.company, "Somebody else's")
    page = text_of(mira.get("/portal/"))
    waiting, _, rest = page.partition("Your open requests")
    assert waits.subject in waiting
    assert northwind.ticket.subject in rest
    assert "Somebody else" not in page
    assert "Fjord &amp; Partners" in page


def test_home_tells_once_of_a_request_on_which_something_is_asked(northwind, mira):
    with unit_of_work():
        actions.ask(
            db.session.merge(northwind.ticket), actor=STAFF, kind="fill", text="Which colour?",
            contact_id=northwind.mira.id, due_on=clock.today(),
        )  # fmt: skip
    page = text_of(mira.get("/portal/"))
    assert "Which colour?" in page
    assert page.count(northwind.ticket.subject) == 1
    assert "No open requests" not in page


def test_a_request_waits_for_the_client_while_something_is_asked_on_it(app, northwind, mira):
    number = northwind.ticket.number
    with unit_of_work():
        asked = actions.ask(
            db.session.merge(northwind.ticket), actor=STAFF, kind="fill", text="Which colour?",
            contact_id=northwind.mira.id, due_on=clock.today(),
        )  # fmt: skip
        make.ticket(northwind.company, category="waiting", requester_id=northwind.mira.id)
        client_commands.reply_as_contact(asked.ticket, actor=acting(northwind.mira), text="Soon.")
    assert queries.ticket(number).category == "open"
    home = text_of(mira.get("/portal/"))
    assert home.count(northwind.ticket.subject) == 1
    assert "No others." in home
    waiting = text_of(mira.get("/portal/requests/?status=waiting"))
    assert 'Waiting for you <span class="count">2<' in waiting
    assert 'Open <span class="count">2<' in waiting
    assert northwind.ticket.subject in waiting
    assert "In progress" not in waiting
    assert "Waiting for you" in text_of(mira.get(f"/portal/requests/{number}"))
    others = text_of(client_in(app, northwind.una).get("/portal/requests/"))
    assert 'Waiting for you <span class="count">1<' in others


def test_the_list_counts_its_views_and_finds_words_of_messages(northwind, mira):
    with unit_of_work():
        make.ticket(
            northwind.company, "Done long ago", category="completed", requester_id=northwind.mira.id
        )
    page = text_of(mira.get("/portal/requests/"))
    assert [f'{view} <span class="count">{n}<' in page for view, n in VIEWS] == [True] * 3
    assert "Waiting for you" not in page
    assert "Done long ago" not in page
    assert "Done long ago" in text_of(mira.get("/portal/requests/?status=completed"))
    for words in ("since Monday", "contact form", str(northwind.ticket.number)):
        assert northwind.ticket.subject in text_of(
            mira.get("/portal/requests/", query_string={"q": words})
        )
    assert "Nothing fits" in text_of(mira.get("/portal/requests/?q=zebra"))
    elsewhere = text_of(mira.get("/portal/requests/?q=Done+long"))
    assert "there is one that fits" in elsewhere
    assert "?status=all&amp;q=Done+long" in elsewhere


VIEWS = (("Open", 1), ("Completed", 1), ("All", 2))


def test_a_manager_sees_the_requests_of_the_company(app, northwind):
    page = text_of(client_in(app, northwind.una).get("/portal/requests/"))
    assert northwind.ticket.subject in page
    assert northwind.ticket.subject not in text_of(
        client_in(app, northwind.una).get("/portal/requests/?whose=mine")
    )
    assert northwind.ticket.subject not in text_of(
        client_in(app, northwind.bo).get("/portal/requests/")
    )


def test_what_is_too_long_is_refused_beside_its_field_and_comes_back_whole(app, northwind):
    """No field cuts what is pasted: a browser does so without a word."""
    mira = client_in(app, northwind.mira)
    page = text_of(mira.get("/portal/requests/new"))
    for id_ in ("f-subject", "f-text"):
        assert "maxlength" not in re.search(rf'<[^>]*id="{id_}"[^>]*>', page)[0]
    subject, words = "s" * 301, "w" * 100_001
    answer = mira.post("/portal/requests/new", data=sent(subject=subject, text=words))
    page = text_of(answer)
    assert answer.status_code == 422
    assert f'value="{subject}"' in page
    assert f">{words}</textarea>" in page
    assert "has 301 characters" in re.search(r'id="f-subject-error">(.*?)</p>', page, re.DOTALL)[1]
    assert "100001 characters" in re.search(r'id="f-text-error">(.*?)</p>', page, re.DOTALL)[1]


def test_no_page_of_a_client_cuts_what_is_pasted(app, northwind):
    """A rating, a login and a new address that are too long come back whole, with the reason."""
    templates = Path(app.root_path, "templates", "portal").glob("*.html")
    assert [each.name for each in templates if "maxlength" in each.read_text()] == []
    mira, number = client_in(app, northwind.mira), northwind.ticket.number
    with unit_of_work():
        status = make.status("completed")
        commands.set_status(db.session.merge(northwind.ticket), actor=STAFF, status=status)

    def beside(path, field, **form):
        answer = mira.post(path, data=sent(**form))
        page = text_of(answer)
        assert answer.status_code == 422
        for name, typed in form.items():
            assert name == "secret" or typed in page, name
        return page, re.search(rf'id="f-{field}-error">(.*?)</p>', page, re.DOTALL)[1]

    here = f"/portal/requests/{number}"
    page, said = beside(f"{here}/rate", "comment", score="4", comment="w" * 2001)
    assert "has 2001 characters, at most 2000" in said
    assert 'value="4" required checked' in page
    login = {"user": "root", "secret": "hunter-4711", "note": "Old", "url": "https://x.example"}
    page, said = beside(f"{here}/logins", "label", label="l" * 201, **login)
    assert "at most 200 characters" in said
    assert "hunter-4711" not in page
    carried = re.search(r'name="carried" value="([^"]+)"', page)[1]
    kept = {**login, "secret": "", "carried": carried, "label": "Website"}
    mira.post(f"{here}/logins", data=sent(**kept))
    found = db.session.scalars(select(Credential)).one()
    assert sealing.unseal(found.sealed).secret == "hunter-4711"
    address = f"{'m' * 300}@example.com"
    answer = mira.post("/portal/profile/email", data=sent(email=address, present=PASSWORD))
    assert answer.status_code == 422
    assert f'value="{address}"' in text_of(answer)


def test_a_request_says_who_opened_it_for_the_client(northwind, mira):
    with unit_of_work():
        ann = replace(STAFF, staff_id=make.staff("Ann Agent").id)
        ours = commands.open_ticket(
            actor=ann, subject="By phone", requester_id=northwind.mira.id, message="אדום"
        )
    page = text_of(mira.get(f"/portal/requests/{ours.number}"))
    assert f"(opened by <bdi>{STAFF.name}</bdi>)" in page
    assert f"<bdi>{STAFF.name}</bdi></b>" in page
    theirs = text_of(mira.get(f"/portal/requests/{northwind.ticket.number}"))
    assert "opened by" not in theirs


def test_what_was_just_sent_is_not_sent_again(northwind, mira):
    at = f"/portal/requests/{northwind.ticket.number}"
    for _ in range(2):
        answer = mira.post(f"{at}/answer", data=sent(text="It is urgent."))
        assert answer.status_code == 302
    page = text_of(mira.get(answer.location))
    assert "It was sent already." in page
    assert page.count("It is urgent.") == 1
    with_file = sent(text="It is urgent.", files=(io.BytesIO(b"log"), "log.txt"))
    answer = mira.post(f"{at}/answer", data=with_file)
    assert answer.status_code == 422
    assert "take it out to send the files alone" in text_of(answer)
    with unit_of_work():
        ticket = queries.locked(northwind.ticket.number)
        commands.set_status(ticket, actor=STAFF, status=queries.first_status("resolved"))
    mira.post(f"{at}/answer", data=sent(text="It is urgent."))
    db.session.rollback()
    assert db.session.get(Ticket, northwind.ticket.id).category == "open", "it is said once more"


def test_answer_solve_rate_and_open_again(northwind, mira):
    at = f"/portal/requests/{northwind.ticket.number}"
    assert mira.post(f"{at}/answer", data=sent(text="One more thing.")).status_code == 302
    assert "One more thing." in text_of(mira.get(at))
    mira.post(f"{at}/solved", data=sent())
    page = text_of(mira.get(at))
    assert "How was the result?" in page
    assert "Still not right?" in page
    mira.post(f"{at}/rate", data=sent(score="4", comment="Quick."))
    assert db.session.scalars(select(Rating.score)).all() == [4]
    page = text_of(mira.get(at))
    assert "rated the result: good" in page
    assert "How was the result?" not in page
    mira.post(f"{at}/reopen", data=sent())
    assert "opened it again" in text_of(mira.get(at))


def test_what_was_typed_goes_along_with_the_word_that_it_is_solved_or_not(northwind, mira):
    at = f"/portal/requests/{northwind.ticket.number}"
    answer = mira.post(f"{at}/solved", data=sent(text="It was the cable."))
    page = text_of(mira.get(answer.location))
    assert "Your message is sent, and the request is closed." in page
    assert "It was the cable." in page
    assert "How was the result?" in page
    mira.post(f"{at}/reopen", data=sent(text="No, it was not."))
    page = text_of(mira.get(at))
    assert "opened it again" in page
    assert "No, it was not." in page
    refused = mira.post(f"{at}/solved", data=sent(text="x" * 200_000))
    assert refused.status_code == 422
    assert "x" * 200_000 in text_of(refused)


def test_clients_read_their_own_words_for_a_status(northwind, mira):
    with unit_of_work():
        ticket = db.session.get(Ticket, northwind.ticket.id)
        commands.change_status(ticket, actor=STAFF, status=queries.first_status("waiting"))
    page = text_of(mira.get(f"/portal/requests/{northwind.ticket.number}"))
    assert "set the status to Waiting for you" in page
    assert "Waiting for client" not in page


def test_what_is_internal_never_shows(northwind, mira):
    with unit_of_work():
        ticket = db.session.get(Ticket, northwind.ticket.id)
        commands.add_note(ticket, actor=STAFF, text="He always says that")
        commands.reply(ticket, actor=STAFF, text="We are on it")
        commands.change_fields(ticket, actor=STAFF, changes={"priority": "low"})
    page = text_of(mira.get(f"/portal/requests/{northwind.ticket.number}"))
    assert "We are on it" in page
    assert "He always says that" not in page


def test_colleagues_are_added_and_removed_and_mails_muted(app, northwind, mira):
    at = f"/portal/requests/{northwind.ticket.number}"
    bo = client_in(app, northwind.bo)
    assert bo.get(at).status_code == 404
    mira.post(f"{at}/followers", data=sent(add=str(northwind.bo.id)))
    assert bo.get(at).status_code == 200
    bo.post(f"{at}/followers", data=sent(mails="off"))
    assert "Send me its mails again" in text_of(bo.get(at))
    answer = bo.post(f"{at}/followers", data=sent(remove=str(northwind.bo.id)))
    assert answer.location == "/portal/requests/"
    assert bo.get(at).status_code == 404
    assert "Saved." in text_of(mira.get(at))
    for change, said in (
        ({"remove": northwind.bo.id}, "Nothing has changed"),
        ({"add": northwind.mira.id}, "Nothing has changed"),
        ({"remove": northwind.mira.id}, "Who made a request always follows it"),
    ):
        mira.post(f"{at}/followers", data=sent(**change))
        page = text_of(mira.get(at))
        assert said in page
        assert "Saved." not in page


def test_files_are_downloads_typed_by_their_bytes(app, northwind, mira):
    with unit_of_work():
        ticket = db.session.get(Ticket, northwind.ticket.id)
        event = commands.reply(
            ticket,
            actor=STAFF,
            text="",
            files=[
                commands.Upload("a.svg", b"<svg onload='alert(1)'>", "image/svg+xml"),
                commands.Upload("b.png", b"\x89PNG\r\n\x1a\n", "text/html"),
            ],
        )
        note = commands.add_note(ticket, actor=STAFF, text="", files=[commands.Upload("c", b"c")])
        svg, png = (one.id for one in event.attachments)
        inside = note.attachments[0].id
    kinds = []
    for file in (svg, png):
        answer = mira.get(f"/portal/files/{file}")
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        kinds.append(answer.content_type)
    assert kinds == ["application/octet-stream", "image/png"]
    assert mira.get(f"/portal/files/{inside}").status_code == 404
    assert client_in(app, northwind.bo).get(f"/portal/files/{png}").status_code == 404


def test_a_request_says_who_is_on_it_and_by_when(northwind, mira):
    """The person, else the department, else the agency; the day and time are the reader's."""
    at = f"/portal/requests/{northwind.ticket.number}"

    def facts() -> dict[str, str]:
        found = re.findall(
            r"<dt>(\w+)</dt>\s*<dd[^>]*>(.*?)</dd>", text_of(mira.get(at)), re.DOTALL
        )
        return {name: re.sub("<[^>]+>", "", said).strip() for name, said in found}

    assert facts()["With"] == "Fjord &amp; Partners"
    assert "Due" not in facts()
    with unit_of_work() as session:
        ticket = session.get_one(Ticket, northwind.ticket.id)
        ticket.department_id = make.department("Design").id
        ticket.due_at = datetime(2026, 3, 20, 16, 30, tzinfo=UTC)
        session.get_one(Contact, northwind.mira.id).zone = "Europe/Oslo"
    assert facts()["With"] == "Design"
    assert "17:30" in facts()["Due"]
    with unit_of_work() as session:
        session.get_one(Ticket, northwind.ticket.id).assignee_id = make.staff("Ann Agent").id
    assert facts()["With"] == "Ann Agent"


def test_time_is_shown_where_the_agency_allows_it(northwind, mira):
    with unit_of_work():
        make.entry(northwind.company, by=make.staff(), seconds=4500, ticket_id=northwind.ticket.id)
    at = f"/portal/requests/{northwind.ticket.number}"
    assert "Time spent" not in text_of(mira.get(at))
    with unit_of_work():
        make.set_up_agency(portal_shows_time=True)
    page = text_of(mira.get(at))
    assert "Time spent" in page
    assert "1:15" in page


def test_long_histories_can_be_read_to_their_beginning(northwind, mira):
    with unit_of_work():
        ticket = db.session.get(Ticket, northwind.ticket.id)
        for number in range(60):
            commands.reply(ticket, actor=STAFF, text=f"no {number}.")
    at = f"/portal/requests/{northwind.ticket.number}"
    assert "Nothing arrives" not in text_of(mira.get(at))
    first = db.session.scalars(
        select(Event.seq).where(Event.payload["text"].as_string() == "no 10.")
    ).one()
    assert "Nothing arrives" in text_of(mira.get(f"{at}?earlier={first}"))


def test_what_was_typed_is_given_back_when_the_session_is_over(app, northwind):
    at = f"/portal/requests/{northwind.ticket.number}"
    answer = visitor(app).post(
        f"{at}/answer",
        data=sent(text="Two pages of <b>prose</b>"),
        headers={"Referer": f"http://localhost{at}"},
    )
    assert answer.status_code == 401
    page = text_of(answer)
    assert "Two pages of &lt;b&gt;prose&lt;/b&gt;" in page
    assert f"/portal/sign-in?next={at}" in page


def test_what_is_too_large_says_so_in_the_agencys_name_and_leads_back(northwind, mira):
    there = f"/portal/requests/{northwind.ticket.number}"
    answer = mira.post(
        f"{there}/answer",
        data=sent(text="x" * 26 * 1024**2),
        headers={"Referer": f"http://localhost{there}"},
    )
    assert answer.status_code == 413
    page = text_of(answer)
    assert "all files together" in page
    assert "<title>That is too large · Fjord &amp; Partners</title>" in page
    assert 'href="/portal/">Fjord &amp; Partners</a>' in page
    assert re.search(rf'href="{there}"[^>]*>\s*Back to the page', page)


def form_of(*parts):
    """The body of a form with files as a browser sends it: each part a name, a text or a size."""
    body = b""
    for name, value in parts:
        file = "" if isinstance(value, str) else '; filename="film.mp4"'
        head = f'--edge\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        content = value.encode() if isinstance(value, str) else b"x" * value
        body += head.encode() + content + b"\r\n"
    return {"data": body + b"--edge--\r\n", "content_type": "multipart/form-data; boundary=edge"}


@pytest.mark.parametrize("megabytes", [26, 110])
def test_what_was_written_beside_files_that_are_too_large_is_given_back(northwind, mira, megabytes):
    answer = mira.post(
        f"/portal/requests/{northwind.ticket.number}/answer",
        **form_of(("text", "Two pages of <b>prose</b>"), ("files", megabytes * 1024**2)),
    )
    assert answer.status_code == 413
    page = text_of(answer)
    assert "Nothing was sent. Here is what you wrote" in page
    assert "Two pages of &lt;b&gt;prose&lt;/b&gt;" in page
    assert "film.mp4" not in page


def test_answers_after_a_file_are_given_back_with_their_question_and_no_login(mira):
    answer = mira.post(
        "/portal/requests/new",
        **form_of(
            ("login-what-secret", "correct horse battery"),
            ("files-shot", 26 * 1024**2),
            ("asked-where", "Where does it happen?"),
            ("field-where", "Cellar"),
        ),
    )
    page = text_of(answer)
    assert answer.status_code == 413
    assert "Where does it happen?" in page
    assert "Cellar" in page
    assert "correct horse" not in page


def test_nobody_writes_on_a_request_they_do_not_see_by_way_of_a_merged_one(app, northwind):
    with unit_of_work():
        sales, store = (
            make.company(name, parent_id=northwind.company.id, kind="department")
            for name in ("Sales", "Store")
        )
        boss = make.contact(sales, role="manager")
        duplicate, into = make.ticket(sales), make.ticket(store)
        joining.merge(duplicate, into, actor=STAFF)
    portal_account(boss)
    browser, at = client_in(app, boss), f"/portal/requests/{duplicate.number}"
    answer = browser.post(f"{at}/answer", data=sent(text="Mine"))
    assert answer.status_code == 422
    assert "goes on as another one" in text_of(answer)
    assert f"#{into.number}" not in text_of(answer)
    for deed in ("reopen", "rate", "solved"):
        browser.post(f"{at}/{deed}", data=sent(score="5"))
        page = text_of(browser.get(at))
        assert "goes on as another one" in page
        assert f"#{into.number}" not in page, deed
    db.session.rollback()
    messages = select(Event.id).where(Event.ticket_id == into.id, Event.kind == "message")
    assert db.session.scalars(messages).all() == []


def test_a_merged_request_leads_on_and_takes_no_answers(northwind, mira):
    with unit_of_work():
        other = client_commands.open_request(
            actor=acting(northwind.mira), subject="The form again", text="Still broken."
        )
        joining.merge(db.session.get(Ticket, northwind.ticket.id), other, actor=STAFF)
    at = f"/portal/requests/{northwind.ticket.number}"
    page = text_of(mira.get(at))
    assert f'This request goes on as <a href="/portal/requests/{other.number}"' in page
    assert "Your message" not in page
    answer = mira.post(f"{at}/answer", data=sent(text="From an old page."))
    assert answer.location.startswith(f"/portal/requests/{other.number}?sent=")
    assert "From an old page." in text_of(mira.get(answer.location))
    answer = mira.post(f"{at}/reopen", data=sent())
    assert f"goes on as #{other.number}" in text_of(mira.get(answer.location))


def test_staff_let_somebody_follow_and_take_it_back(app, northwind):
    agent = signed_in(app, person("Agent"))
    at = f"/tickets/{northwind.ticket.number}"
    agent.post(f"{at}/followers", data=sent(contact=str(northwind.bo.id)))
    assert "Remove Bo Lund" in text_of(agent.get(at))
    bo = client_in(app, northwind.bo)
    assert bo.get(f"/portal/requests/{northwind.ticket.number}").status_code == 200
    agent.post(f"{at}/followers", data=sent(contact=str(northwind.bo.id), do="remove"))
    assert bo.get(f"/portal/requests/{northwind.ticket.number}").status_code == 404
    with unit_of_work():
        without = make.contact(northwind.company, "Cy")
    answer = agent.post(f"{at}/followers", data=sent(contact=str(without.id)))
    assert "invite them first" in text_of(agent.get(answer.location))


@pytest.mark.parametrize("is_in", [True, False])
def test_a_form_of_an_ended_session_is_told_so_and_promises_nothing_of_its_files(
    app, northwind, monkeypatch, is_in
):
    """The page may be a minute old, and files that went ahead are kept with the draft."""
    browser = client_in(app, northwind.mira) if is_in else visitor(app)
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", is_in)
    told = text_of(browser.post("/portal/requests/new", data={"text": "It smokes."}))
    heading = "This page is of an earlier visit" if is_in else "Your session has ended"
    assert f"<h1>{heading}</h1>" in told
    assert "It smokes." in told
    assert "See which of your files are there" in told
    assert "too long" not in told
