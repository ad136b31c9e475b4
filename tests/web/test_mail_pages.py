"""The outbox on the desk: who may see it, what can be done, each thing once."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from app.core import clock, jobs, mail
from app.core.db import db, unit_of_work
from app.core.forms import new_nonce
from app.core.models import AuditLog, Job, Mail
from app.staff.models import Staff
from tests import factories as make
from tests.conftest import ROOT
from tests.web.people import person, signed_in, visitor

TEMPLATES = ROOT / "app" / "templates"
ROLES = {"Admin": True, "Billing": True, "Manager": False, "Agent": None}


def posted(recipient="ana@client.example", *, key="k", **options):
    with unit_of_work():
        letter = mail.Letter("ACTION", "Invoice INV-1", "Dear <b>Ana</b>", recipient, key)
        mail.post([letter], **options)
    return db.session.scalars(select(Mail.id).where(Mail.dedupe_key == key)).one()


def state_of(mail_id):
    return db.session.scalars(select(Mail.state).where(Mail.id == mail_id)).one()


@pytest.mark.parametrize("role", ROLES)
def test_who_may_see_and_who_may_resend(app, role):
    with unit_of_work():
        make.set_up_agency()
    mail_id = posted("wrong")
    browser = signed_in(app, person(role))
    may_see, may_resend = ROLES[role] is not None, ROLES[role]
    assert browser.get("/mail/").status_code == (200 if may_see else 403)
    assert browser.get(f"/mail/{mail_id}").status_code == (200 if may_see else 403)
    sent = browser.post(f"/mail/{mail_id}/resend", data={"nonce": new_nonce()})
    assert sent.status_code == (302 if may_resend else 403)
    undone = browser.post("/mail/undo", data={"nonce": new_nonce(), "id": mail_id})
    assert undone.status_code == (302 if may_resend else 403)


def test_anonymous_people_are_sent_to_sign_in(app):
    assert "/login" in visitor(app).get("/mail/").headers["Location"]


def test_the_list_is_filtered_and_tells_why_a_mail_failed(clerk):
    posted("nobody", key="bad")
    posted("bo@client.example", key="good")
    page = clerk.get("/mail/?state=failed").text
    assert "no usable e-mail address" in page
    assert "bo@client.example" not in page
    assert "bo@client.example" in clerk.get("/mail/?q=BO@").text
    assert "No mail fits" in clerk.get("/mail/?q=%25").text
    assert clerk.get("/mail/?state=lost").status_code == 404


def test_a_kept_mail_can_be_read_and_downloaded(clerk):
    mail_id = posted()
    assert clerk.get(f"/mail/{mail_id}.eml").status_code == 404
    jobs.run_due()
    page = clerk.get(f"/mail/{mail_id}").text
    assert "Dear &lt;b&gt;Ana&lt;/b&gt;" in page
    kept = clerk.get(f"/mail/{mail_id}.eml")
    assert kept.mimetype == "message/rfc822"
    assert kept.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in kept.headers["Content-Security-Policy"]
    assert b"Subject: ACTION: Invoice INV-1" in kept.data
    assert clerk.get("/mail/77").status_code == 404


def test_undo_calls_back_what_has_not_gone_out(clerk):
    waiting, out = posted(key="later", delay=mail.UNDO), posted(key="now")
    jobs.run_due()
    answer = clerk.post("/mail/undo", data={"nonce": new_nonce(), "id": [waiting, out]})
    assert answer.status_code == 302
    assert (state_of(waiting), state_of(out)) == ("undone", "kept")
    assert "1 of 2 mails were called back" in clerk.get("/mail/").text


def test_a_double_click_sends_one_more_mail(clerk):
    mail_id = posted()
    jobs.run_due()
    nonce = re.search(r'name="nonce" value="([^"]+)"', clerk.get(f"/mail/{mail_id}").text)[1]
    first, second = (clerk.post(f"/mail/{mail_id}/resend", data={"nonce": nonce}) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    jobs.run_due()
    assert len(db.session.scalars(select(Mail).where(Mail.state == "kept")).all()) == 2


def test_a_form_without_its_mark_does_nothing(clerk):
    mail_id = posted()
    jobs.run_due()
    assert clerk.post(f"/mail/{mail_id}/resend").status_code == 302
    assert len(db.session.scalars(select(Mail)).all()) == 1
    assert "reload the page" in clerk.get("/mail/").text


def test_the_list_takes_the_same_statements_for_one_mail_and_for_fifty(clerk, statements):
    posted()
    with statements() as few:
        assert clerk.get("/mail/").status_code == 200
    for n in range(49):
        posted(key=f"more{n}")
    with statements() as many:
        assert clerk.get("/mail/").text.count("ana@client.example") >= 50
    assert len(few) == len(many) <= 8


def test_staff_read_times_in_their_own_zone(app):
    at = datetime(2026, 3, 31, 20, 15, tzinfo=UTC)
    with clock.frozen(at), unit_of_work():
        make.set_up_agency()
        mail_id = posted()
        db.session.execute(update(Mail).values(created_at=at))
        db.session.execute(update(Job).values(created_at=at, due_at=at))
        manager = person("Manager")
        db.session.execute(update(Staff).values(zone="Asia/Tokyo"))
        ticket = make.ticket(make.company(), assignee_id=db.session.scalar(select(Staff.id)))
        ticket.last_event_at = at
    job_id = db.session.scalars(select(Job.id)).first()
    browser = signed_in(app, manager)
    said = (
        '<time datetime="2026-03-31T20:15:00+00:00" title="31 Mar 2026, 20:15 UTC">'
        "1 Apr 2026, 05:15<"
    )
    for page in ("/mail/", f"/mail/{mail_id}", "/jobs/", f"/jobs/{job_id}", "/"):
        assert said in browser.get(page).get_data(as_text=True), page


def test_no_staff_page_writes_a_time_without_a_zone():
    """The audit log alone says at its head that it is in UTC."""
    bare = [
        path.name
        for folder in ("desk", "companies", "appbuilder")
        for path in (TEMPLATES / folder).rglob("*.html")
        if re.search(r"\|(?:long_)?instant\b(?!\()|strftime.*%H", path.read_text())
        and path.parts[-2] != "audit"
    ]
    assert bare == []


def delayed(mail_id, *, attempts=1):
    """The mail server asked for patience: the next attempt is in an hour."""
    with unit_of_work():
        db.session.execute(
            update(Mail)
            .where(Mail.id == mail_id)
            .values(attempts=attempts, reason="The mail server answered 451")
        )
        db.session.execute(
            update(Job).values(due_at=Job.due_at + timedelta(hours=1), attempts=attempts)
        )


@pytest.mark.parametrize(
    ("attempts", "told"),
    [(0, "Not tried yet, next at"), (1, "Tried once, next at"), (3, "Tried 3 times, next at")],
)
def test_a_delayed_mail_says_how_often_it_was_tried_and_is_sent_now_on_request(
    clerk, attempts, told
):
    mail_id = posted()
    delayed(mail_id, attempts=attempts)
    assert jobs.run_due() == 0
    for path in ("/mail/", f"/mail/{mail_id}"):
        page = clerk.get(path).text
        assert told in page
        assert "answered 451" in page
    at = f"/mail/{mail_id}/send-now"
    assert at in page
    assert clerk.post(at, data={"nonce": new_nonce()}).status_code == 302
    jobs.run_due()
    assert state_of(mail_id) == "kept"
    assert db.session.scalars(select(AuditLog).where(AuditLog.action == "mail.send_now")).one()
    clerk.post(at, data={"nonce": new_nonce()})
    assert "does not wait for another attempt" in clerk.get(f"/mail/{mail_id}").text


def test_a_mail_that_can_be_called_back_still_is_not_hurried(clerk):
    mail_id = posted(delay=mail.UNDO)
    assert "send-now" not in clerk.get(f"/mail/{mail_id}").text
    clerk.post(f"/mail/{mail_id}/send-now", data={"nonce": new_nonce()})
    jobs.run_due()
    assert state_of(mail_id) == "queued"
