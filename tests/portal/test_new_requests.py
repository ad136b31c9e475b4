"""A new request: what is asked, refused, kept and told before it is sent."""

import re

from sqlalchemy import select

from app.core import clock
from app.core.audit import SYSTEM
from app.core.db import db, unit_of_work
from app.tickets import request_types
from app.tickets.intake import Field
from app.tickets.models import Subscription, Ticket
from app.tickets.request_models import RequestType
from app.tickets.sla_models import SlaTarget
from tests import factories as make
from tests.portal.acting import sent
from tests.portal.door import text_of
from tests.web.people import person, signed_in


def test_a_request_is_opened_once_with_files_and_colleagues(northwind, mira):
    form = sent(
        type=str(kind_of("A question")),
        subject="Slow mail",
        text="It takes an hour.",
        urgency="high",
        notify=[str(northwind.bo.id)],
        files=(make_file(), "slow.png"),
    )
    answers = []
    for _ in range(2):
        form["files"] = (make_file(), "slow.png")
        answers.append(mira.post("/portal/requests/new", data=form))
    assert answers[0].location == answers[1].location
    tickets = db.session.scalars(select(Ticket).where(Ticket.subject == "Slow mail")).all()
    assert [(one.priority, one.company_id) for one in tickets] == [("high", northwind.company.id)]
    followers = db.session.scalars(
        select(Subscription.contact_id).where(Subscription.ticket_id == tickets[0].id)
    )
    assert set(followers) == {northwind.mira.id, northwind.bo.id}
    assert f"#{tickets[0].number}" in text_of(mira.get(answers[0].location))
    page = text_of(mira.get(f"/portal/requests/{tickets[0].number}"))
    assert "slow.png" in page


def kind_of(name):
    return db.session.scalars(select(RequestType.id).where(RequestType.name == name)).one()


def make_file():
    from io import BytesIO

    return BytesIO(b"\x89PNG\r\n\x1a\n")


def test_a_refused_form_keeps_what_was_typed(northwind, mira):
    answer = mira.post("/portal/requests/new", data=sent(subject="", text="Everything is off."))
    assert answer.status_code == 422
    page = text_of(answer)
    assert "The subject is empty" in page
    assert "Everything is off." in page
    assert "<title>Error: " in page


def test_a_client_of_an_archived_company_reads_why_in_their_words(northwind, mira):
    with unit_of_work():
        db.session.merge(northwind.company).archived_at = clock.now()
    form = sent(type=str(kind_of("A question")), subject="One more", text="It is still slow.")
    page = text_of(mira.post("/portal/requests/new", data=form))
    assert "Nothing new is taken here for Northwind Ltd any more: write to us" in page
    assert "It is still slow." in page
    assert "restore it first" not in page


def test_the_company_of_a_request_comes_from_the_viewer(app, northwind, mira):
    with unit_of_work():
        rival = make.company("Rival")
    answer = mira.post(
        "/portal/requests/new", data=sent(subject="x", text="y", company=str(rival.id))
    )
    assert answer.status_code == 422
    assert db.session.scalar(select(Ticket.id).where(Ticket.company_id == rival.id)) is None


def test_before_it_is_sent_a_request_says_how_soon_it_is_answered(northwind, mira):
    assert "Our first answer" not in text_of(mira.get("/portal/requests/new"))
    with unit_of_work():
        targets = [SlaTarget(priority="urgent", first_response=5400)]
        make.policy(is_default=True, targets=targets)
    kind = kind_of("A question")
    for path in ("/portal/requests/new", f"/portal/requests/new/fields?type={kind}"):
        page = text_of(mira.get(path))
        assert "within 1:30 h" in page
        assert len(re.findall(r"within \d", page)) == 1


def test_what_may_be_billed_is_told_before_a_request_is_sent(app, northwind, mira):
    with unit_of_work():
        broken, change = db.session.scalars(
            select(RequestType).where(RequestType.billing != "").order_by(RequestType.position)
        ).all()

    def told(kind: RequestType) -> tuple[str, str]:
        """By the part that the script loads, and by the page without scripts."""
        part = text_of(mira.get(f"/portal/requests/new/fields?type={kind.id}"))
        return part, text_of(mira.get(f"/portal/requests/new?type={kind.id}"))

    assert all("billed by the time it takes, at our rates" in page for page in told(broken))
    assert all("nothing is billed before you approve it" in page for page in told(change))
    with unit_of_work():
        make.rate("80", company_id=northwind.company.id)
    assert all("at the rates agreed with you" in page for page in told(broken))
    admin = signed_in(app, person("Admin"))
    form = {"name": broken.name, "is_public": "y", "billing": "free", "billing_text": ""}
    admin.post(f"/request-types/{broken.id}", data=sent(**form))
    assert all("Work on this request is not billed." in page for page in told(broken))
    admin.post(f"/request-types/{broken.id}", data=sent(**form | {"billing_text": "Half price!"}))
    assert all("Half price!" in page and "not billed" not in page for page in told(broken))
    refused = admin.post(f"/request-types/{broken.id}", data=sent(**form | {"billing": "lots"}))
    assert refused.status_code == 422


def test_what_was_answered_to_a_question_that_is_gone_is_carried_into_the_description(
    app, northwind, mira
):
    """The kind was shown, answered, changed by an admin, then sent as it stood."""
    budget, shots = Field("budget", "number", "Is there a budget?"), Field("shots", "file", "Shots")
    entry = Field("entry", "secret", "Your login")
    with unit_of_work():
        kind = request_types.create_type(actor=SYSTEM, values={"name": "New work"})
        request_types.save_fields(kind.id, actor=SYSTEM, fields=[budget, shots, entry])
    shown = mira.get(f"/portal/requests/new/fields?type={kind.id}").get_data(as_text=True)
    asked = dict(re.findall(r'name="(asked-\w+)" value="([^"]+)"', shown))
    with unit_of_work():
        request_types.save_fields(kind.id, actor=SYSTEM, fields=[])
    form = {"type": str(kind.id), "subject": "Shop", "text": "A shop.", "field-budget": "12.5"}
    login = {"login-entry-secret": "s3same-street"}
    answer = mira.post(
        "/portal/requests/new",
        data={**sent(**form, **asked, **login), "files-shots": (make_file(), "shop.png")},
    )
    assert answer.status_code == 422
    page = text_of(answer)
    assert "The questions have changed" in page
    assert "A shop.\n\nIs there a budget?\n12.5</textarea>" in page
    assert "“Your login” is not asked any more" in page
    keep = re.findall(r'name="keep" value="(\d+)" checked> <span>shop.png', page)
    draft = text_of(mira.get("/portal/requests/new"))
    assert "Is there a budget?\n12.5</textarea>" in draft, "it is in the draft as well"
    again = sent(**{**form, "text": "A shop.\n\nIs there a budget?\n12.5"}, keep=keep)
    assert text_of(mira.get("/portal/requests/new")).count("Is there a budget?") == 1
    done = mira.post("/portal/requests/new", data=again)
    assert done.status_code == 302
    number = re.search(r"/(\d+)/", done.location)[1]
    ticket = text_of(mira.get(f"/portal/requests/{number}"))
    assert "Is there a budget?" in ticket
    assert "shop.png" in ticket


def test_a_draft_keeps_what_was_answered_to_a_question_that_is_gone_since(northwind, mira):
    with unit_of_work():
        kind, other = (
            request_types.create_type(actor=SYSTEM, values={"name": name})
            for name in ("New work", "Other work")
        )
        for each in (kind, other):
            field = Field(f"budget{each.id}", "number", f"Budget of {each.name}?")
            request_types.save_fields(each.id, actor=SYSTEM, fields=[field])
    written = {"subject": "Shop", "text": "A shop."}
    for each in (other, kind):  # first thought to be of the other kind
        answer = {
            f"asked-budget{each.id}": f"Budget of {each.name}?",
            f"field-budget{each.id}": str(each.id),
        }
        saved = mira.post(
            "/portal/requests/draft", data=sent(**written, **answer, type=str(each.id))
        )
        assert saved.status_code == 200
    assert "A shop.</textarea>" in text_of(mira.get("/portal/requests/new"))
    with unit_of_work():
        request_types.save_fields(kind.id, actor=SYSTEM, fields=[])
    for _ in range(2):
        resumed = text_of(mira.get("/portal/requests/new"))
        assert f"A shop.\n\nBudget of New work?\n{kind.id}</textarea>" in resumed
