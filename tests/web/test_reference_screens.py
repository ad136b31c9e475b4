"""Departments, staff and work types on their generated screens: rules hold, nothing is lost."""

import pytest
from sqlalchemy import select

from app.core.db import db, unit_of_work
from app.core.models import Agency, AuditLog
from app.staff.models import Department, Staff
from app.tickets.sla_models import SlaTarget
from app.timelog.models import WorkType
from tests import factories as make
from tests.web.people import person, signed_in


@pytest.fixture
def admin(app):
    with unit_of_work():
        make.set_up_agency()
    return signed_in(app, person("Admin"))


def saved(query):
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(query).one()


def test_a_department_has_members_and_a_name_of_its_own(admin):
    with unit_of_work():
        bea = make.staff("Bea").id
    assert admin.post("/departments/add", data={"name": "Desk", "people": [bea]}).status_code == 302
    department = saved(select(Department))
    assert [member.id for member in department.members] == [bea]
    again = admin.post("/departments/add", data={"name": "desk"})
    assert "a department called desk already" in again.get_data(as_text=True)
    admin.post(f"/departments/edit/{department.id}", data={"name": "Front desk", "archived": "y"})
    department = saved(select(Department))
    assert (department.name, list(department.members)) == ("Front desk", [])
    assert department.archived_at is not None
    assert "Archived" in admin.get("/departments/list/").get_data(as_text=True)


def test_a_person_without_sign_in_is_added_and_every_mistake_named(admin):
    wrong = admin.post(
        "/staff/add",
        data={"name": " ", "email": "", "zone": "Mars/Base", "weekly_hours": "200"},
    ).get_data(as_text=True)
    for said in ("The name is empty", "Mars/Base is no time zone", "between 0 and 168"):
        assert said in wrong
    good = {"name": "Bo Holm", "email": "bo@example.com", "zone": "Europe/Oslo"}
    admin.post("/staff/add", data={**good, "weekly_hours": "37.5"})
    bo = saved(select(Staff).where(Staff.name == "Bo Holm"))
    assert (bo.weekly_seconds, bo.user_id, bo.zone) == (135_000, None, "Europe/Oslo")
    taken = admin.post("/staff/add", data={**good, "weekly_hours": "40"}).get_data(as_text=True)
    assert "Somebody else of the staff has bo@example.com" in taken


def test_a_work_type_is_changed_with_a_line_in_the_audit_log(admin):
    admin.post("/work-types/add", data={"name": "Travel"})
    kind = saved(select(WorkType))
    assert kind.is_billable is False
    admin.post(f"/work-types/edit/{kind.id}", data={"name": "Travel", "is_billable": "y"})
    line = saved(select(AuditLog).where(AuditLog.action == "work_type.change"))
    assert (line.before["is_billable"], line.after["is_billable"]) == (False, True)


def test_saving_leads_to_the_record_whatever_another_tab_has_open(admin):
    made = admin.post("/departments/add", data={"name": "Desk"})
    here = f"/departments/show/{saved(select(Department)).id}"
    assert made.location == here
    page = admin.get(here).get_data(as_text=True)
    assert "<h1>Desk</h1>" in page, "its page is headed by its name"
    assert 'href="/departments/list/"' in page.partition('class="crumbs"')[2].partition("</nav>")[0]
    other = admin.post("/departments/add", data={"name": "Other"}).location
    edit = here.replace("show", "edit")
    assert f'href="{here}"' in admin.get(edit).get_data(as_text=True), "back leads to it, too"
    admin.get(other)
    assert admin.post(edit, data={"name": "Front desk"}).location == here
    assert 'href="/departments/list/"' in admin.get("/departments/add").get_data(as_text=True)
    sent = {"kind": "company", "role": "requester"}
    for path in ("companies", "contacts"):
        first, second = (
            admin.post(f"/{path}/add", data={"name": name, **sent}).location
            for name in ("One", "Two")
        )
        admin.get(second)
        edit = first.replace("show", "edit")
        assert admin.post(edit, data={"name": "Uno", **sent}).location == first
        admin.get(second)
        gone = admin.post(first.replace("show", "delete"))
        assert gone.location == f"/{path}/list/"


def test_a_person_without_a_zone_has_that_of_the_agency(admin):
    with unit_of_work():
        zone = db.session.scalars(select(Agency)).one().zone = "Europe/Oslo"
    assert f'value="{zone}"' in admin.get("/staff/add").get_data(as_text=True)
    admin.post("/staff/add", data={"name": "Bo", "zone": "", "weekly_hours": "40"})
    assert saved(select(Staff).where(Staff.name == "Bo")).zone == zone


def test_a_target_is_shown_and_written_to_the_second(admin):
    with unit_of_work():
        policy = make.policy()
        policy.targets = [SlaTarget(priority="high", first_response=3630)]
    shown = admin.get(f"/promises/policies/{policy.id}").text
    assert 'value="1:00:30"' in shown
    assert "1:00:30 h" in admin.get("/promises/").text
