"""Formal requests to clients: asked, mailed, answered once by whom it is for."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from threading import Barrier

import pytest
from sqlalchemy import func, select, update

from app.communications import actions, actions_queries
from app.communications.action_models import ActionRequest
from app.companies import accounts, people
from app.companies.models import Contact
from app.core import clock, formats
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.tickets import commands, queries
from app.tickets.models import Event, Ticket
from app.tickets.subscribing import ensure_subscribed
from app.timelog.commands import move_ticket
from app.vault import sealing
from app.vault.models import Credential
from tests import factories as make
from tests.communications.asking import (
    BEGINNINGS,
    address_of,
    asked,
    link,
    mails,
    now_is,
    secret_of,
)
from tests.portal.acting import STAFF, sent
from tests.web.people import client_in, person, signed_in, visitor
from tests.web.test_matrix import another, fingerprint


def test_asking_mails_an_action_whose_link_answers_without_signing_in(world):
    action = asked(world)
    [mail] = mails()
    begins = f"ACTION: [#{world['ticket'].number}] We need your answer by "
    assert mail.subject.startswith(begins)
    assert mail.subject.endswith(": New logo")
    assert "Is this the logo you want?" in mail.body
    path = re.search(r"http://[^/\s]+(/portal/action/[\w-]+)", mail.body)[1]
    browser = visitor(world["app"])
    page = browser.get(path).get_data(as_text=True)
    assert "Is this the logo you want?" in page
    answer = browser.post(path, data={"do": "answer", "text": "Lovely", "name": "Mira K."})
    assert answer.status_code == 200
    assert "by <bdi>Mira K.</bdi>" in answer.get_data(as_text=True)
    action = now_is(action)
    assert (action.state, action.ended_by, action.ended_ip) == ("answered", "Mira K.", "127.0.0.1")
    assert re.fullmatch("[0-9a-f]{64}", action.content_hash)
    assert action.ticket.category == "open"
    told = mails(recipient="ada@agency.example")
    assert [row.subject.split(":")[0] for row in told] == ["Notification"]
    assert "approved it, signed Mira K." in told[0].body
    assert "“Is this the logo you want?”" in told[0].subject, "which of several is told by it"
    assert told[0].body.count(f"/tickets/{world['ticket'].number}") == 1
    assert all(row.subject.startswith(BEGINNINGS) for row in mails())


def test_the_mail_names_the_options_and_has_one_button(world):
    action = asked(world, kind="choose", text="Which colour?", options=["Red", "Green"])
    [mail] = mails()
    assert "Which colour?\n\n- Red\n- Green" in mail.body
    assert mail.body.count(link(action)) == 1
    assert (
        len(re.findall(rf'<a class="button" href="[^"]+{link(action)}">Choose</a>', mail.html)) == 1
    )
    assert mail.html.count("<a ") == 1


def test_what_was_asked_and_answered_stands_on_the_timeline(world):
    action = asked(world)
    visitor(world["app"]).post(link(action), data={"do": "decline", "text": "Too green"})
    db.session.rollback()
    query = select(Event).where(Event.kind == "action").order_by(Event.seq)
    lines = [(row.payload["line"], row.payload["text"]) for row in db.session.scalars(query)]
    assert lines[0][0].startswith("asked Mira Krog to approve by ")
    assert lines[1] == ("declined", "Too green")
    page = signed_in(world["app"], world["user"]).get(f"/tickets/{world['ticket'].number}")
    assert "declined</b> (“Is this the logo you want?”): Too green" in page.get_data(as_text=True)
    client = client_in(world["app"], world["mira"]).get(
        f"/portal/requests/{world['ticket'].number}"
    )
    assert "declined (“Is this the logo you want?”): Too green" in client.get_data(as_text=True)
    [told] = mails(recipient="ada@agency.example")
    assert "Too green\n\nWe had asked:\n\nIs this the logo you want?" in told.body
    assert now_is(action).state == "declined"


@pytest.mark.parametrize("state", ["asked", "answered", "cancelled"])
def test_whoever_only_looks_changes_nothing(world, state):
    action = asked(world)
    browser = visitor(world["app"])
    if state == "answered":
        browser.post(link(action), data={"do": "answer"})
    if state == "cancelled":
        with unit_of_work():
            held = actions_queries.locked_of(world["ticket"].number, action.id)
            actions.cancel(held, actor=world["ada"])
    db.session.rollback()
    before = fingerprint()
    for method in ("GET", "HEAD", "GET"):
        answer = browser.open(f"{link(action)}", method=method)
        assert answer.status_code == (410 if state == "cancelled" else 200)
    assert fingerprint() == before


def test_a_link_is_for_its_request_and_its_contact_alone(world):
    action, other = asked(world), asked(world, contact_id=world["bo"].id, text="For Bo")
    browser = visitor(world["app"])
    *_, place, mark = link(action).split("-")
    for forged in (
        f"{action.id}-{world['bo'].id}-{place}-{mark}",
        f"{other.id}-{world['mira'].id}-{place}-{mark}",
        f"{other.id}-{world['bo'].id}-{place}-{mark}",
        f"{action.id}-{world['mira'].id}-{place}-{'y' if mark[0] == 'x' else 'x'}{mark[1:]}",
        f"{action.id}-{world['mira'].id}-{link(other).split('-')[-2]}-{mark}",
        secret_of(other.id, world["mira"].id),
    ):
        answer = browser.post(f"/portal/action/{forged}", data={"do": "answer"})
        assert answer.status_code == 404
        assert "logo you want" not in answer.get_data(as_text=True)
    assert {now_is(each).state for each in (action, other)} == {"asked"}


def test_a_link_ends_with_the_address_it_was_mailed_to(world):
    """Somebody at a mistyped address, corrected meanwhile, must not approve anything."""
    action = asked(world)
    mistyped = link(action)
    browser = visitor(world["app"])
    assert browser.get(mistyped).status_code == 200
    with unit_of_work():
        mira = db.session.merge(world["mira"])
        former = address_of(mira.id)
        people.change_contact(STAFF, mira, {}, emails=["right@northwind.example", former])
    assert browser.get(mistyped).status_code == 200  # a second address is still hers
    with unit_of_work():
        mira = db.session.merge(world["mira"])
        people.change_contact(STAFF, mira, {}, emails=["right@northwind.example"])
    for answer in (browser.get(mistyped), browser.post(mistyped, data={"do": "answer"})):
        assert answer.status_code == 404
        assert "logo you want" not in answer.get_data(as_text=True)
    assert now_is(action).state == "asked"
    assert browser.post(link(action), data={"do": "answer"}).status_code == 200
    assert now_is(action).state == "answered"


def test_a_second_answer_is_told_of_the_first(world):
    action = asked(world)
    browser = visitor(world["app"])
    browser.post(link(action), data={"do": "answer"})
    late = browser.post(link(action), data={"do": "decline", "text": "No after all"})
    assert late.status_code == 409
    assert "answered already" in late.get_data(as_text=True)
    assert "Approved" in late.get_data(as_text=True)
    assert now_is(action).state == "answered"


@pytest.mark.parametrize("way", ["link", "portal"])
def test_what_was_written_too_late_is_given_back_to_be_copied(world, way):
    action, words = asked(world, kind="fill"), "The domain is with\r\nour old provider."
    here, browser = link(action), visitor(world["app"])
    if way == "portal":
        here, browser = f"/portal/actions/{action.id}", client_in(world["app"], world["mira"])
    with unit_of_work():
        actions.cancel(actions_queries.locked(now_is(action)), actor=world["ada"])
    late = browser.post(here, data=sent(do="answer", text=words))
    assert late.status_code in {409, 422}
    assert "What you wrote, which was not sent" in late.text
    assert "our old provider." in late.text
    assert "What you wrote" not in browser.get(here).text


def test_an_answer_by_the_link_whose_browser_has_forgotten_the_form_is_given_back(world, settings):
    """Another tab signed in or out, so that the form is of a session that is over."""
    action = asked(world, kind="fill")
    with another(settings, WTF_CSRF_ENABLED=True) as guarded:
        data = {"do": "answer", "text": "It is with our old provider.", "login-secret": "s3cret"}
        late = visitor(guarded).post(link(action), data=data)
    assert late.status_code == 400
    assert "It is with our old provider." in late.text
    assert "s3cret" not in late.text
    assert f'href="{link(action)}"' in late.text
    assert now_is(action).state == "asked"


def test_an_answer_by_the_link_that_came_too_often_is_given_back(world, settings):
    action, data = asked(world, kind="fill"), {"text": "It is with our old provider."}
    with another(settings, RATELIMIT_ENABLED=True) as limited:
        browser = visitor(limited)
        for _ in range(10):
            assert browser.post(link(action), data=data).status_code == 422
        late = browser.post(link(action), data={**data, "do": "answer", "login-secret": "s3cret"})
    assert late.status_code == 429
    assert "It is with our old provider." in late.text
    assert "smaller files" not in late.text
    assert "s3cret" not in late.text


@pytest.mark.parametrize("name", ["shot.png", ""])
def test_only_who_sent_files_too_often_is_told_to_choose_them_again(world, settings, name):
    """A field for files that was left empty is sent without a name."""
    action, data = asked(world, kind="fill"), {"text": "It is with our old provider."}
    with another(settings, RATELIMIT_ENABLED=True) as limited:
        browser = visitor(limited)
        for _ in range(10):
            browser.post(link(action), data=data)
        late = browser.post(link(action), data={**data, "files": (BytesIO(b"png"), name)})
    assert late.status_code == 429
    assert ("Files must be chosen again" in late.text) == bool(name)


def test_what_was_sent_by_pressing_twice_is_not_said_to_be_unsent(world):
    action, browser = asked(world, kind="fill"), visitor(world["app"])
    data = {"do": "answer", "text": "It is with\r\nour old provider."}
    browser.post(link(action), data=data)
    again = browser.post(link(action), data=data).text
    assert "our old provider." in again
    assert "What you wrote" not in again


def test_of_two_clicks_at_once_one_answers(world):
    action = asked(world)
    path, both = link(action), Barrier(2)

    def click(deed: str) -> int:
        with world["app"].app_context():
            both.wait(timeout=10)
            fields = {"do": deed, "text": "because"}
            return visitor(world["app"]).post(path, data=fields).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(click, ["answer", "decline"])) == [200, 409]
    db.session.rollback()
    ends = select(func.count()).select_from(Event).where(Event.contact_id == world["mira"].id)
    assert db.session.scalar(ends.where(Event.kind == "action")) == 1
    assert len(mails(recipient="ada@agency.example")) == 1


def test_a_contact_answers_in_the_portal_and_no_colleague_does_so_for_them(world):
    action = asked(world, kind="choose", options=["Red", "Blue"], text="Which colour?")
    with unit_of_work():
        ensure_subscribed(world["ticket"], contact_id=world["bo"].id, source="colleague")
    path = f"/portal/actions/{action.id}"
    bo, mira = (client_in(world["app"], world[name]) for name in ("bo", "mira"))
    assert bo.get(path).status_code == 404
    assert bo.post(path, data=sent(do="answer", choice="Red")).status_code == 404
    assert "Which colour?" not in bo.get("/portal/").get_data(as_text=True)
    assert "Which colour?" in mira.get("/portal/").get_data(as_text=True)
    ticket_page = f"/portal/requests/{world['ticket'].number}"
    assert 'value="Blue"' in mira.get(ticket_page).get_data(as_text=True)
    wrong = mira.post(path, data=sent(do="answer", choice="Green"))
    assert wrong.status_code == 422
    assert "Nothing is chosen" in wrong.get_data(as_text=True)
    mira.post(path, data=sent(do="answer", choice="Blue"))
    assert now_is(action).answer["choice"] == "Blue"
    assert "Which colour?" not in mira.get("/portal/").get_data(as_text=True)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("choose", {"choice": ("", "Nothing is chosen"), "text": ("x" * 5001, "at most 5000")}),
        ("upload", {"files": ("", "No file is chosen"), "name": ("n" * 201, "at most 200")}),
        ("fill", {"text": (" ", "The answer is empty"), "name": ("n" * 201, "at most 200")}),
    ],
)
def test_what_is_wrong_with_an_answer_stands_beside_its_field_and_is_kept(world, kind, wrong):
    action = asked(world, kind=kind, options=["Red", "Blue"] if kind == "choose" else ())
    browser = visitor(world["app"])
    assert "maxlength" not in browser.get(link(action)).text
    answer = browser.post(
        link(action), data={"do": "answer"} | {n: t for n, (t, _) in wrong.items()}
    )
    assert answer.status_code == 422
    assert answer.text.count('-error"><svg') == len(wrong), "and nowhere else"
    for name, (typed, said) in wrong.items():
        assert f'aria-describedby="asked-{name}-error"' in answer.text.replace(
            f"asked-{name}-hint ", ""
        )
        beside = re.search(rf'id="asked-{name}-error">(.*?)</p>', answer.text, re.DOTALL)[1]
        assert said in beside
        assert re.search(rf'<a href="#asked-{name}">[^<]*{said}', answer.text), "it leads there"
        assert typed.strip() in answer.text
    assert now_is(action).state == "asked"


def test_a_login_that_was_asked_for_goes_to_the_vault_and_nowhere_else(world):
    action = asked(world, kind="fill", text="We need the login to your website.")
    browser, canary = visitor(world["app"]), "hunter-canary-4711"
    typed = {"login-url": "https://x.example", "login-user": "root", "login-secret": canary}
    refused = browser.post(link(action), data={"do": "answer", **typed})
    assert refused.status_code == 422
    beside = re.search(r'id="asked-login-label-error">(.*?)</p>', refused.text, re.DOTALL)[1]
    assert "The login has no name" in beside
    assert refused.text.count('-error"><svg') == 1, "a login is an answer"
    assert canary not in refused.text
    carried = re.search(r'name="login-carried" value="([^"]+)"', refused.text)[1]
    again = {**typed, "login-secret": "", "login-carried": carried, "login-label": "Website"}
    assert "Website" in browser.post(link(action), data={"do": "answer", **again}).text
    action = now_is(action)
    assert (action.state, action.answer["login"]) == ("answered", "Website")
    kept = db.session.scalars(select(Credential)).one()
    assert (kept.label, kept.contact_id) == ("Website", world["mira"].id)
    assert kept.ticket_id == world["ticket"].id
    assert sealing.unseal(kept.sealed).secret == canary
    lines = [each.payload.get("text") for each in db.session.scalars(select(Event))]
    assert "handed over the login “Website”" in lines
    stored = [f"{row.body}{row.html}" for row in mails()] + [str(action.answer), str(lines)]
    assert canary not in "".join(stored)


def test_a_login_beside_another_kind_of_answer_is_left(world):
    action = asked(world)
    typed = {"login-label": "Website", "login-secret": "hunter"}
    answer = visitor(world["app"]).post(link(action), data={"do": "answer", **typed})
    assert answer.status_code == 200
    assert db.session.scalar(select(func.count()).select_from(Credential)) == 0


def test_files_that_were_asked_for_are_kept_on_the_timeline(world):
    action = asked(world, kind="upload", text="The signed contract")
    files = (BytesIO(b"%PDF-1.7 signed"), "contract.pdf")
    answer = visitor(world["app"]).post(link(action), data={"do": "answer", "files": files})
    assert answer.status_code == 200
    [kept] = now_is(action).answer["files"]
    assert (kept["name"], len(kept["sha256"])) == ("contract.pdf", 64)
    page = signed_in(world["app"], world["user"]).get(f"/tickets/{world['ticket'].number}")
    assert "contract.pdf" in page.get_data(as_text=True)


def test_who_sends_a_file_that_is_refused_is_told_to_choose_all_again(world):
    action = asked(world, kind="upload", text="The signed contract")
    assert "chosen again" not in visitor(world["app"]).get(link(action)).text
    files = [(BytesIO(b"%PDF-1.7 signed"), "contract.pdf"), (BytesIO(b""), "empty.txt")]
    answer = visitor(world["app"]).post(link(action), data={"do": "answer", "files": files})
    assert answer.status_code == 422
    assert "empty.txt is empty" in answer.text
    assert "Files must be chosen again." in answer.text


def test_home_has_the_most_urgent_first(world):
    today = clock.today("Europe/Berlin")
    for days, text in ((5, "Later one"), (1, "Sooner one"), (3, "Middle one")):
        asked(world, text=text, due_on=today + timedelta(days=days))
    page = client_in(world["app"], world["mira"]).get("/portal/").get_data(as_text=True)
    places = [page.index(text) for text in ("Sooner one", "Middle one", "Later one")]
    assert places == sorted(places)


def test_what_is_over_waits_for_nobody_before_the_job_comes(world):
    asked(world, text="Old one")
    browser = client_in(world["app"], world["mira"])
    assert "Old one" in browser.get("/portal/").text
    with unit_of_work():
        db.session.execute(update(ActionRequest).values(due_at=clock.now() - timedelta(days=31)))
    assert "Old one" not in browser.get("/portal/").text


def test_staff_ask_and_take_back_on_the_desk(world):
    browser = signed_in(world["app"], world["user"])
    number = world["ticket"].number
    ask = f"/tickets/{number}/ask"
    wrong = browser.post(ask, data=sent(kind="choose", contact="", text="Kept words", due="x"))
    assert wrong.status_code == 422
    assert "Kept words" in wrong.get_data(as_text=True)
    due = (clock.today() + timedelta(days=2)).isoformat()
    fields = {"kind": "fill", "contact": str(world["mira"].id), "text": "Which font?", "due": due}
    browser.post(ask, data=sent(**fields))
    db.session.rollback()
    action = db.session.scalars(select(ActionRequest)).one()
    assert action.ticket.category == "waiting"
    page = browser.get(f"/tickets/{number}").get_data(as_text=True)
    assert "Which font?" in page
    assert f"Due {formats.day(action.due_on)}</span>" in page
    browser.post(f"/tickets/{number}/actions/{action.id}/cancel", data=sent())
    assert now_is(action).state == "cancelled"
    assert action.ticket.category == "open", "nothing waits for the client any more"
    last = mails()[-1]
    assert (last.recipient, last.subject[:13]) == (
        str(world["mira"].emails[0].address),
        "Notification:",
    )
    over = visitor(world["app"]).get(link(action))
    assert (over.status_code, "no longer needed" in over.get_data(as_text=True)) == (410, True)


def test_nobody_foreign_or_without_address_is_asked_and_every_reason_is_told(world):
    with unit_of_work():
        stranger = make.contact(make.company("Other"), "Sam")
    with pytest.raises(RuleError) as caught:
        asked(world, contact_id=stranger.id, text=" ", due_on=None)
    told = " ".join(caught.value.problems)
    assert all(words in told for words in ("does not belong", "is empty", "due date is missing"))
    assert mails() == []


def test_staff_who_see_the_outbox_cannot_answer_for_a_client(world):
    action = asked(world)
    manager = signed_in(world["app"], person("Manager", email="boss@agency.example"))
    page = manager.get(f"/mail/{mails()[0].id}").get_data(as_text=True)
    assert "/portal/action/…" in page
    assert link(action) not in page


def test_a_link_ends_with_the_access_to_the_portal(world):
    action = asked(world)
    with unit_of_work():
        accounts.close(world["ada"], db.session.get_one(Contact, world["mira"].id))
    browser = visitor(world["app"])
    assert browser.get(link(action)).status_code == 404
    assert browser.post(link(action), data={"do": "answer"}).status_code == 404
    assert now_is(action).state == "asked"


def test_a_ticket_goes_to_no_other_company_while_somebody_is_asked(world):
    action = asked(world)
    with unit_of_work():
        other = make.company("Other")
    with pytest.raises(RuleError, match="asks Mira Krog of Northwind"), unit_of_work():
        move_ticket(
            db.session.get_one(Ticket, action.ticket_id), actor=world["ada"], company_id=other.id
        )
    with unit_of_work():
        actions.cancel(actions_queries.locked(now_is(action)), actor=world["ada"])
    with unit_of_work():
        ticket = db.session.get_one(Ticket, action.ticket_id)
        move_ticket(ticket, actor=world["ada"], company_id=other.id)
        assert ticket.company_id == other.id


@pytest.mark.parametrize(
    ("kind", "sent_", "category"),
    [
        ("confirm", {"do": "answer"}, "resolved"),
        ("confirm", {"do": "answer", "text": "But the door squeaks"}, "open"),
        ("confirm", {"do": "decline", "text": "It does not open"}, "open"),
        ("approve", {"do": "answer"}, "open"),
    ],
)
def test_an_answer_that_asks_for_work_opens_a_closed_ticket_again(world, kind, sent_, category):
    action = asked(world, kind=kind, text="The door is mended.")
    with unit_of_work():
        ticket = db.session.get_one(Ticket, world["ticket"].id, with_for_update=True)
        commands.set_status(ticket, actor=STAFF, status=queries.first_status("resolved"))
    visitor(world["app"]).post(link(action), data=sent_)
    db.session.rollback()
    assert now_is(action).ticket.category == category


def test_a_client_confirms_and_it_is_told_so(world):
    action = asked(world, kind="confirm", text="The door is mended.")
    by_link = visitor(world["app"])
    assert ">Confirm</button>" in by_link.get(link(action)).get_data(as_text=True)
    by_link.post(link(action), data={"do": "answer"})
    assert "<b>Confirmed</b> by <bdi>Mira Krog</bdi>" in by_link.get(link(action)).get_data(
        as_text=True
    )
    page = signed_in(world["app"], world["user"]).get(f"/tickets/{world['ticket'].number}")
    assert "confirmed it" in page.get_data(as_text=True)
