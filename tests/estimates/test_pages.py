"""Estimates on the desk, in the portal and behind the signed link; what colleagues do not see."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.communications.action_models import ActionRequest
from app.core import clock
from app.core.db import db, unit_of_work
from app.estimates import commands
from app.estimates.models import Estimate
from app.estimates.rules import Line
from app.tickets.subscribing import ensure_subscribed
from tests import factories as make
from tests.estimates.conftest import HOUR, link
from tests.portal.acting import sent
from tests.web.people import client_in, portal_account, signed_in, visitor
from tests.web.test_matrix import fingerprint

TOTAL = "1,428.00"


def text_of(answer) -> str:
    return answer.get_data(as_text=True)


def newest() -> Estimate:
    db.session.rollback()
    return db.session.scalars(select(Estimate).order_by(Estimate.version.desc())).first()


def rows(*lines: tuple[str, str, str], **fields: str) -> dict:
    """The form as a browser sends it: text, hours and amount of each line."""
    columns = zip(*lines, strict=True)
    typed = dict(zip(("text", "hours", "amount"), map(list, columns), strict=True))
    blank = [""] * len(lines)
    until = (clock.today() + timedelta(days=5)).isoformat()
    return sent(key=blank, work_type=blank, note="", valid_until=until, **typed) | fields


def test_staff_draft_and_send_from_the_desk(world):
    browser = signed_in(world.app, world.user)
    at = f"/tickets/{world.number}/estimate"
    assert "No estimate yet" in text_of(browser.get(at))
    lines = (("Design", "10", ""), ("", "", ""), ("Typeface", "", "200.00"))
    more = browser.post(f"{at}/edit", data=rows(*lines, do="more"))
    assert text_of(more).count('name="hours"') == 5
    assert "Typeface" in text_of(more)
    assert world.states() == []
    browser.post(f"{at}/edit", data=rows(*lines))
    page = text_of(browser.get(at))
    assert TOTAL in page
    assert "Rate: EUR 100.00 an hour for all companies" in page
    browser.post(f"{at}/send", data=sent(contact=str(world.mira.id)))
    assert world.states() == ["sent"]
    page = text_of(browser.get(f"/tickets/{world.number}"))
    assert "Waits for an answer" in page
    assert "approve an estimate" in page


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [("8", 8 * HOUR), ("1.5", 5_400), ("1,25", 4_500), ("0:45", 2_700), ("1h30", 5_400)],
)
def test_bare_numbers_are_hours(world, typed, seconds):
    browser = signed_in(world.app, world.user)
    data = rows(("Design", typed, ""))
    browser.post(f"/tickets/{world.number}/estimate/edit", data=data)
    assert newest().lines[0].seconds == seconds


def test_what_cannot_be_read_is_told_and_kept(world):
    browser = signed_in(world.app, world.user)
    lines = (("Kept words", "soon", ""), ("Both", "1", "1"), ("Coins", "", "1.001"))
    answer = browser.post(f"/tickets/{world.number}/estimate/edit", data=rows(*lines))
    page = text_of(answer)
    assert answer.status_code == 422
    assert all(f"Line {number}: " in page for number in (1, 2, 3))
    assert "Kept words" in page
    assert world.states() == []


@pytest.mark.parametrize("until", ["2020-01-01", "soon", ""])
def test_all_that_is_wrong_with_a_draft_is_told_at_once(world, until):
    browser = signed_in(world.app, world.user)
    lines = (("Both", "1", "1"), ("", "", "9"), ("", "soon", ""))
    data = rows(*lines, note="x" * 4_001, valid_until=until)
    page = text_of(browser.post(f"/tickets/{world.number}/estimate/edit", data=data))
    told = page.partition("Not saved yet")[2].partition("<form")[0].partition("</ul>")[0]
    assert [told.count(f"Line {number}: ") for number in (1, 2, 3)] == [1, 1, 2]
    assert "The note is too long" in told
    day = {"2020-01-01": "which is over", "soon": "is no date", "": "choose a day"}[until]
    assert day in told
    assert told.count("<li>") == 6


def test_a_new_line_is_of_the_type_that_was_worked_last(world):
    browser, at = signed_in(world.app, world.user), f"/tickets/{world.number}/estimate/edit"
    with unit_of_work():
        ticket = db.session.merge(world.ticket())
        kind = make.work_type("Typesetting")
        make.entry(ticket.company, by=make.staff(), ticket_id=ticket.id, work_type_id=kind.id)
    page = text_of(browser.get(at))
    assert page.count(f'<option value="{kind.id}" selected>') == 4
    data = rows(("Design", "1", "")) | {"work_type": [""], "do": "more"}
    page = text_of(browser.post(at, data=data))
    assert page.count(f'<option value="{kind.id}" selected>') == 3, "any was chosen"


def test_of_two_first_drafts_the_second_does_not_take_the_place_of_the_first(world):
    browser, at = signed_in(world.app, world.user), f"/tickets/{world.number}/estimate/edit"
    browser.post(at, data=rows(("Design", "8", "")) | {"revision": ""})
    answer = browser.post(at, data=rows(("Typeface", "", "9")) | {"revision": ""})
    assert answer.status_code == 422
    assert "Somebody else changed version 1" in text_of(answer)
    assert [line.text for line in newest().lines] == ["Design"]


def test_a_work_type_that_there_is_not_is_told(world):
    browser = signed_in(world.app, world.user)
    data = rows(("Design", "1", "")) | {"work_type": ["999999"]}
    answer = browser.post(f"/tickets/{world.number}/estimate/edit", data=data)
    assert answer.status_code == 422
    assert "Line 1: choose a work type of the list" in text_of(answer)


def test_a_draft_is_taken_up_changed_and_thrown_away(world):
    world.draft()
    browser = signed_in(world.app, world.user)
    at = f"/tickets/{world.number}/estimate"
    page = text_of(browser.get(f"{at}/edit"))
    assert 'value="10:00"' in page
    assert 'value="200.00"' in page
    browser.post(f"{at}/discard", data=sent())
    assert world.states() == []


def test_what_was_declined_is_offered_again_from_the_desk(world):
    world.offer()
    world.answer("decline", text="Too dear for us")
    browser = signed_in(world.app, world.user)
    at = f"/tickets/{world.number}/estimate"
    assert "Too dear for us" in text_of(browser.get(at))
    browser.post(f"{at}/again", data=sent())
    assert world.states() == ["declined", "draft"]
    browser.post(f"{at}/send", data=sent(contact=str(world.mira.id)))
    assert world.states() == ["superseded", "sent"]
    browser.post(f"{at}/withdraw", data=sent())
    assert world.states() == ["superseded", "withdrawn"]


def test_the_request_is_not_taken_back_past_the_estimate(world):
    estimate = world.offer()
    browser = signed_in(world.app, world.user)
    path = f"/tickets/{world.number}/actions/{estimate.action_id}/cancel"
    browser.post(path, data=sent())
    assert world.states() == ["sent"]
    ask = sent(kind="estimate", contact=str(world.mira.id), text="x", due="2030-01-01")
    assert browser.post(f"/tickets/{world.number}/ask", data=ask).status_code == 422


def test_the_link_shows_all_of_it_and_approves(world):
    path = link(world.offer())
    browser = visitor(world.app)
    page = text_of(browser.get(path))
    for words in ("Design of the logo", "10:00", "Licence of the typeface", "VAT 19 %", TOTAL):
        assert words in page
    answer = browser.post(path, data={"do": "answer", "name": "Mira K."})
    assert answer.status_code == 200
    assert "Approved" in text_of(answer)
    assert (newest().state, newest().ended_by) == ("approved", "Mira K.")


def test_the_link_declines_with_a_reason_only(world):
    path = link(world.offer())
    browser = visitor(world.app)
    assert browser.post(path, data={"do": "decline"}).status_code == 422
    said = {"do": "decline", "text": "We wait until spring", "again": "y"}
    answer = browser.post(path, data=said)
    assert answer.status_code == 200
    assert newest().reason == "We wait until spring"
    for page in (answer, browser.get(path)):
        assert "who asks for a new offer" in text_of(page)


def test_what_is_too_long_is_refused_beside_its_field_and_kept(world):
    path = link(world.offer())
    browser = visitor(world.app)
    shown = text_of(browser.get(path))
    long = {
        "purchase_order": ("approve-order", "PO " + "4" * 120, "has 123 characters, at most 100"),
        "name": ("approve-name", "n" * 300, "name is too long: at most 200"),
        "comment": ("approve-comment", "c" * 6000, "text is too long: at most 5000"),
    }
    sent = {name: typed for name, (_, typed, _) in long.items()}
    answer = browser.post(path, data={"do": "answer", **sent})
    page = text_of(answer)
    assert answer.status_code == 422
    for at, typed, why in long.values():
        assert "maxlength" not in field(shown, at), "it would be cut"
        assert typed in field(page, at)
        assert why in error_of(page, at)
    assert world.states() == ["sent"]


@pytest.mark.parametrize(
    ("why", "where", "words"),
    [
        ("", "decline-why", "Nothing is chosen"),
        ("made up", "decline-why", "Nothing is chosen"),
        ("other", "decline-text", "The reason is missing"),
    ],
)
def test_a_refused_decline_says_where_it_is_missing_what_is(world, why, where, words):
    path = link(world.offer())
    answer = visitor(world.app).post(path, data={"do": "decline", "why": why})
    assert answer.status_code == 422
    page = text_of(answer)
    assert words in error_of(page, where)
    assert page.count('-error"><svg') == 1, "and nowhere else"
    assert '<a class="btn btn-quiet" href="?">Back</a>' in page
    assert world.states() == ["sent"]


def field(page: str, id_: str) -> str:
    return re.search(rf'<input[^>]*id="{id_}"[^>]*>', page)[0]


def error_of(page: str, id_: str) -> str:
    """The error that a field, or a group of them, is described by."""
    assert re.search(rf'aria-describedby="[^"]*{id_}-error"', page)
    return re.search(rf'id="{id_}-error">(.*?)</p>', page, re.DOTALL)[1]


def test_whoever_only_looks_changes_nothing(world):
    path = link(world.offer())
    db.session.rollback()
    before = fingerprint()
    for method in ("GET", "HEAD"):
        assert visitor(world.app).open(path, method=method).status_code == 200
    client_in(world.app, world.mira).get(f"/portal/requests/{world.number}")
    assert fingerprint() == before


def test_a_revised_offer_says_what_changed(world):
    first = world.offer()
    world.answer("decline", text="Too dear")
    world.draft(
        Line(1, "time", "Design of the logo", 0, 8 * HOUR), Line(0, "fixed", "Workshop", 5_000)
    )
    old = visitor(world.app).get(link(first))
    new = link(world.send())
    assert "See the newer version" not in text_of(old)
    assert new in text_of(visitor(world.app).get(link(first)))
    page = text_of(visitor(world.app).get(new))
    for words in ("Changed", "was 10:00 h at 100.00", "New", "Left out", "<del>"):
        assert words in page


def test_it_waits_in_the_portal_and_the_outcome_stays_to_be_read(world):
    estimate = world.offer()
    mira = client_in(world.app, world.mira)
    assert "Approve or decline the estimate" in text_of(mira.get("/portal/"))
    page = text_of(mira.get(f"/portal/requests/{world.number}"))
    assert f"Approve EUR\u00a0{TOTAL}" in page
    mira.post(f"/portal/actions/{estimate.action_id}", data=sent(do="answer"))
    assert "Approve or decline the estimate" not in text_of(mira.get("/portal/"))
    page = text_of(mira.get(f"/portal/requests/{world.number}"))
    assert "Estimate, version 1: approved" in page
    assert re.search(r"<b>Approved</b>\s+by <bdi>Mira Krog</bdi>", page)


def test_a_colleague_who_follows_reads_of_it_but_sees_no_price_and_cannot_answer(world):
    estimate = world.offer()
    with unit_of_work():
        ensure_subscribed(world.ticket(), contact_id=world.bo.id, source="colleague")
    bo = client_in(world.app, world.bo)
    page = text_of(bo.get(f"/portal/requests/{world.number}"))
    assert "approve an estimate" in page
    assert TOTAL not in page
    path = f"/portal/actions/{estimate.action_id}"
    assert bo.get(path).status_code == 404
    assert bo.post(path, data=sent(do="answer")).status_code == 404
    assert world.states() == ["sent"]


def test_who_approves_for_the_company_decides_without_following_the_ticket(world):
    estimate = world.offer()
    vera = client_in(world.app, world.vera)
    assert "Approve or decline the estimate" in text_of(vera.get("/portal/"))
    path = f"/portal/actions/{estimate.action_id}"
    page = text_of(vera.get(path))
    assert TOTAL in page
    assert f"/portal/requests/{world.number}" not in page
    vera.post(path, data=sent(do="decline", text="Not this year"))
    assert (newest().state, newest().ended_by) == ("declined", "Vera Holm")


def test_people_of_another_company_learn_nothing_also_not_its_approver(world):
    estimate = world.offer()
    with unit_of_work():
        stranger = make.contact(make.company("Other"), "Sam", role="approver")
    portal_account(stranger)
    sam = client_in(world.app, stranger)
    for path in (f"/portal/actions/{estimate.action_id}", f"/portal/requests/{world.number}"):
        assert sam.get(path).status_code == 404
    assert sam.post(
        f"/portal/actions/{estimate.action_id}", data=sent(do="answer")
    ).status_code == 404  # fmt: skip
    assert "estimate" not in text_of(sam.get("/portal/"))


def test_drafts_are_for_staff_only(world):
    world.draft(note="Between us")
    page = text_of(client_in(world.app, world.mira).get(f"/portal/requests/{world.number}"))
    assert "Between us" not in page
    assert TOTAL not in page


def test_the_second_answer_in_the_portal_is_told_of_the_first(world):
    estimate = world.offer()
    world.answer(by=world.vera)
    path = f"/portal/actions/{estimate.action_id}"
    late = client_in(world.app, world.mira).post(path, data=sent(do="decline", text="No"))
    assert late.status_code == 422
    assert "answered already" in text_of(late)
    assert "by <bdi>Vera Holm</bdi>" in text_of(late)


@pytest.mark.parametrize("versions", [1, 4])
def test_pages_of_a_ticket_cost_at_most_eight_statements(world, statements, versions):
    for _ in range(versions - 1):
        world.offer()
        world.answer("decline", text="No")
    world.approved()
    world.log(HOUR)
    with unit_of_work():
        make.set_up_agency(portal_shows_time=True)
    browser, mira = signed_in(world.app, world.user), client_in(world.app, world.mira)
    for one, path in (
        (browser, f"/tickets/{world.number}"),
        (mira, f"/portal/requests/{world.number}"),
    ):
        one.get(path)
        with statements() as asked:
            assert one.get(path).status_code == 200
        told = [each for each in asked if not each.lower().startswith(("begin", "commit", "roll"))]
        assert len(told) <= 8, told


def test_actions_of_estimates_end_with_their_estimate_and_never_apart(world):
    world.offer()
    with unit_of_work():
        commands.withdraw(world.ticket(), actor=world.ada)
    db.session.rollback()
    assert db.session.scalars(select(ActionRequest.state)).all() == ["cancelled"]
