"""No form of the desk cuts what is pasted: what is too long is refused, and comes back as sent."""

from pathlib import Path

import pytest

from app.billing.models import Allocation, EntryHold, Payment, RunWarning
from app.companies.account_models import Registration
from app.core import clock
from app.core.db import db, unit_of_work
from app.core.forms import new_nonce
from app.tickets import request_types
from app.tickets.queue_models import SavedView
from app.timelog.models import EntryQuestion
from tests import factories as make
from tests.billing.desk import CLERK
from tests.web.month import account_of, count, entries_in
from tests.web.people import person, signed_in

LONG = "too long, as it is pasted. " * 40


@pytest.fixture
def refused():
    """Send a form with a long text; the page must say why, and hold the text whole."""

    def send(browser, path, field, **more):
        data = {"nonce": new_nonce(), field: LONG} | more
        answer = browser.post(path, data=data)
        assert answer.status_code == 422, path
        assert LONG.strip() in answer.text, path
        assert "characters" in answer.text, path
        assert "<title>Error: " in answer.text, path

    return send


def test_no_template_lets_the_browser_cut(app):
    templates = Path(app.root_path, "templates")
    wrong = [each.name for each in templates.rglob("*.html") if "maxlength" in each.read_text()]
    assert wrong == []


def test_reasons_of_billing_come_back_whole(app, month, refused):
    company_id, _ = month.company(hours=(9, 1))
    run = month.compiled()
    desk = signed_in(app, person("Admin"))
    entries = f"/billing/runs/{run}/accounts/{account_of(company_id)}/entries"
    for do in ("hold", "write_off"):
        refused(desk, entries, "reason", do=do, id=entries_in()[0])
    for cause in ("no_tax_id", "long_entry"):
        refused(desk, f"/billing/runs/{run}/causes/{cause}", "reason", do="accept")
    month.issued(run)
    money = {"account_id": account_of(company_id), "amount": "10", "method": "Cash"}
    month.post("/billing/payments", **money, received_on="2026-04-02")
    paid = db.session.query(Payment).one()
    refused(desk, f"/billing/payments/{paid.id}/reverse", "reason")
    db.session.expire_all()
    assert paid.reversed_at is None
    assert [count(EntryHold), db.session.query(RunWarning.accepted_at).distinct().all()] == [
        0,
        [(None,)],
    ]
    assert db.session.query(Allocation).filter_by(kind="write_off").all() == []


def test_reasons_about_people_and_time_come_back_whole(app, month, refused):
    manager = person("Manager")
    with unit_of_work():
        staff = make.staff_of(db.session.merge(manager))
        entry = make.entry(make.company("Nord"), by=staff, state="submitted")
        asked = {"entry_id": entry.id, "asked_by": manager.id, "asked_by_name": "Bill"}
        question = EntryQuestion(question="So long?", **asked)
        someone = {"email": "bo@x.example", "name": "Bo", "company_name": "X", "state": "pending"}
        registration = Registration(**someone, given={}, confirmed_at=clock.now())
        db.session.add_all([question, registration])
        kind = request_types.create_type(actor=CLERK, values={"name": "Broken", "is_public": True})
    desk, admin = signed_in(app, manager), signed_in(app, person("Admin"))
    refused(desk, "/time/approval", "reason", do="reject", entry=entry.id)
    refused(desk, f"/time/questions/{question.id}", "answer")
    refused(desk, f"/registrations/{registration.id}/reject", "reason")
    refused(desk, "/tickets/views", "name", view="open", priority="high")
    refused(admin, f"/request-types/{kind.id}", "help", name="Broken")
    refused(admin, f"/request-types/{kind.id}/fields", "help", label="Why?", kind="text")
    db.session.expire_all()
    assert (entry.state, question.answer, registration.state) == ("submitted", "", "pending")
    assert (count(SavedView), kind.help) == (0, "")
