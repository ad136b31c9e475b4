"""Every real file goes in with its figures; the dry run agrees; a second run changes nothing."""

import json

import pytest
from sqlalchemy import func, select, text

from app.companies import exports as company_exports
from app.companies.models import Company, Contact
from app.core.db import db, unit_of_work
from app.core.export import csv_stream
from app.tickets.models import Event, Ticket
from app.timelog import exports as time_exports
from app.timelog.models import TimeEntry
from tests.imports.bring import bring, counts, take_back, try_out

COMPANY_FILES = [
    # file, rows, created, unchanged, refused, contacts
    ("companies-gleif/companies_cp1250_tab.txt", 700, 700, 0, 0, 0),
    ("companies-gleif/companies_utf8_semicolon.csv", 800, 800, 0, 0, 0),
    ("companies-sp500/constituents.csv", 503, 503, 0, 0, 0),
    ("accounting-exports/clients.csv", 20, 20, 0, 0, 20),
    ("accounting-exports/zoho_contacts.csv", 5, 5, 0, 0, 5),
    ("accounting-exports/zoho_invoices.csv", 13, 3, 10, 0, 0),
    ("accounting-exports/wave_clients.csv", 4, 4, 0, 0, 4),
    ("accounting-exports/wave_invoices.csv", 15, 3, 11, 1, 0),
    ("accounting-exports/freshbooks_clients.csv", 2, 2, 0, 0, 2),
    ("accounting-exports/freshbooks_invoices.csv", 3, 1, 2, 0, 0),
    ("time-exports/solidtime_harvest_clients_import_test_1.csv", 2, 2, 0, 0, 0),
]


def export() -> bytes:
    with unit_of_work():
        return b"".join(csv_stream(*company_exports.companies()))


@pytest.mark.parametrize(
    ("file", "rows", "created", "unchanged", "refused", "contacts"), COMPANY_FILES
)
def test_companies(app, shared_data, file, rows, created, unchanged, refused, contacts) -> None:
    raw = (shared_data / file).read_bytes()
    before = export()
    tried = try_out("companies", raw)
    assert export() == before
    answer = bring("companies", raw)
    assert counts(answer) == (rows, created, 0, unchanged, refused)
    assert answer["contacts_created"] == contacts
    same = {name for name in answer if name not in {"batch", "warnings"}}
    assert {name: tried[name] for name in same} == {name: answer[name] for name in same}
    assert tried["batch"] is None
    assert db.session.scalar(select(func.count()).select_from(Company)) == created
    again = bring("companies", raw)
    assert counts(again) == (rows, 0, 0, rows - refused, refused)
    assert again["contacts_created"] == 0
    assert any("before" in warning for warning in again["warnings"])
    own = export()
    assert counts(bring("companies", own)) == (created, 0, 0, created, 0)
    take_back(answer["batch"])
    assert export() == before
    assert db.session.scalar(select(func.count()).select_from(Contact)) == 0


def test_the_names_of_the_register_are_kept_letter_by_letter(app, shared_data) -> None:
    raw = (shared_data / "companies-gleif/companies_cp1250_tab.txt").read_bytes()
    answer = bring("companies", raw)
    assert answer["dialect"] == {"encoding": "cp1250", "delimiter": "\t", "header_line": 1}
    found = db.session.scalars(
        select(Company).where(Company.external_id == "98450061A806D0U76C54")
    ).one()
    assert found.name == "Original Format Development Korlátolt Felelősségű Társaság"
    assert (found.source, found.billing_country, found.extra) == (
        "gleif:lei", "HU", {"Kind": "GENERAL"},
    )  # fmt: skip


def test_customers_of_an_invoice_export_meet_those_of_the_contact_export(app, shared_data) -> None:
    folder = shared_data / "accounting-exports"
    bring("companies", (folder / "zoho_contacts.csv").read_bytes())
    before = export()
    answer = bring("companies", (folder / "zoho_invoices.csv").read_bytes())
    assert counts(answer) == (13, 0, 0, 13, 0)
    assert export() == before


TIME_FILES = [
    # file, options, rows, created, refused, seconds, companies, staff
    ("toggl_detailed_real.csv", {"company_name": "Acme"}, 47, 47, 0, 284835, 1, 3),
    ("toggl_detailed_real.csv", {}, 47, 0, 47, 0, 0, 0),
    ("solidtime_toggl_time_entries_import_test_1.csv", {}, 2, 1, 1, 3601, 1, 1),
    ("solidtime_toggl_time_entries_import_test_2.csv", {}, 1, 1, 0, 2, 1, 1),
    ("solidtime_harvest_time_entries_import_test_1.csv", {}, 2, 1, 1, 36, 1, 1),
    ("solidtime_generic_time_entries_import_test_1.csv", {}, 2, 1, 1, 3601, 1, 1),
    ("solidtime_clockify_time_entries_import_test_1.csv", {"date_order": "mdy"},
     2, 1, 1, 3601, 1, 1),
    ("solidtime_clockify_time_entries_import_test_2.csv", {}, 1, 1, 0, 1800, 1, 1),
    ("solidtime_clockify_time_entries_import_test_3.csv", {}, 1, 0, 1, 0, 0, 0),
    ("solidtime_clockify_time_entries_import_test_7.csv",
     {"date_order": "dmy", "company_name": "Acme"}, 1, 1, 0, 3601, 1, 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "options", "rows", "created", "refused", "seconds", "companies", "staff"), TIME_FILES
)
def test_time(
    app, shared_data, file, options, rows, created, refused, seconds, companies, staff
) -> None:
    raw = (shared_data / "time-exports" / file).read_bytes()
    tried = try_out("time", raw, **options)
    answer = bring("time", raw, **options)
    assert counts(answer) == counts(tried) == (rows, created, 0, 0, refused)
    for name, wanted in (
        ("seconds", seconds), ("companies_created", companies), ("staff_created", staff),
    ):  # fmt: skip
        assert answer[name] == tried[name] == wanted, name
    for error in answer["errors"]:
        assert ("--company" in error["reason"]) == (error["column"] in {"Client", "client"})
    assert counts(bring("time", raw, **options)) == (rows, 0, 0, created, refused)
    own = b"".join(csv_stream(*time_exports.entries()))
    assert counts(bring("time", own)) == (created, 0, 0, created, 0)
    take_back(answer["batch"])
    left = "select (select count(*) from time_entry) + (select count(*) from staff)"
    assert db.session.scalar(text(left + " + (select count(*) from company)")) == 0


def test_the_real_time_report_by_person(app, shared_data) -> None:
    folder = shared_data / "time-exports"
    expected = json.loads((folder / "expected.json").read_text())["toggl_detailed_real.csv"]
    raw = (folder / "toggl_detailed_real.csv").read_bytes()
    bring("time", raw, company_name="Acme", zone="Europe/Paris")
    sums = db.session.execute(
        text(
            "select s.name, sum(t.recorded_seconds), sum(t.billable_seconds), min(t.state)"
            "  from time_entry t join staff s on s.id = t.staff_id group by s.name"
        )
    ).all()
    assert {name: total for name, total, _, _ in sums} == expected["seconds_by_user"]
    assert {(billable, state) for _, _, billable, state in sums} == {(0, "approved")}
    first = db.session.scalars(select(TimeEntry).order_by(TimeEntry.started_at)).first()
    assert first.started_at.isoformat() == "2023-10-23T08:01:07+00:00"


def test_all_can_be_made_billable_and_submitted(app, shared_data) -> None:
    raw = (shared_data / "time-exports" / "toggl_detailed_real.csv").read_bytes()
    bring("time", raw, company_name="Acme", billable=True, state="submitted")
    found = db.session.execute(
        text("select sum(billable_seconds), min(state), max(state) from time_entry")
    ).one()
    assert tuple(found) == (284835, "submitted", "submitted")


def test_incidents(app, shared_data) -> None:
    folder = shared_data / "incidents-servicenow"
    expected = json.loads((folder / "expected.json").read_text())["incident_events.csv"]
    raw = (folder / "incident_events.csv").read_bytes()
    tried = try_out("tickets", raw, company_name="Acme")
    answer = bring("tickets", raw, company_name="Acme")
    assert counts(answer) == counts(tried)
    assert (answer["rows"], answer["created"], answer["refused"]) == (
        expected["events"], expected["incidents"], 0,
    )  # fmt: skip
    assert answer["contacts_created"] == tried["contacts_created"] == expected["callers"]
    categories = db.session.execute(
        select(Ticket.category, func.count()).group_by(Ticket.category)
    ).all()
    assert dict(categories) == {"completed": expected["state_of_last_event"]["Closed"]}
    reopened = select(func.count(Event.ticket_id.distinct())).where(
        Event.kind == "status", Event.payload["reopened"].astext == "true"
    )
    assert db.session.scalar(reopened) >= expected["reopened"]
    opened = db.session.execute(select(func.min(Ticket.created_at), func.max(Ticket.created_at)))
    assert [at.strftime("%Y-%m-%dT%H:%M:%S") for at in opened.one()] == [
        expected["opened_first"], expected["opened_last"],
    ]  # fmt: skip
    again = bring("tickets", raw, company_name="Acme")
    assert counts(again) == (2988, 0, 0, 2988, 0)
    undone = take_back(answer["batch"])
    assert (undone["deleted"], undone["refused"]) == (438, [])
    left = "select (select count(*) from event) + (select count(*) from contact)"
    assert db.session.scalar(text(left + " + (select count(*) from company)")) == 0


def test_an_export_of_the_demo_desk(app, shared_data) -> None:
    raw = (shared_data / "incidents-servicenow" / "incidents_rest_demo.csv").read_bytes()
    answer = bring("tickets", raw, company_name="Acme")
    assert counts(answer) == (67, 67, 0, 0, 0)
    assert answer["source"] == "servicenow:number"
    categories = dict(
        db.session.execute(select(Ticket.category, func.count()).group_by(Ticket.category)).all()
    )
    assert categories == {"completed": 27, "open": 20, "new": 13, "waiting": 7}
    assert counts(bring("tickets", raw, company_name="Acme")) == (67, 0, 0, 67, 0)
