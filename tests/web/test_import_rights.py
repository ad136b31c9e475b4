"""A file brings in no more than its person may write by hand."""

import pytest
from flask_appbuilder.security.sqla.models import PermissionView, Role
from sqlalchemy import func, select

from app.companies.models import Company, Contact
from app.core.db import db, unit_of_work
from app.imports.models import ImportBatch
from app.staff.models import Staff
from app.tickets.models import Ticket
from app.timelog.models import TimeEntry
from tests import factories as make
from tests.imports.bring import exported
from tests.web.import_desk import go_on, names, post, send, uploaded, words
from tests.web.people import person, signed_in

FILES = {
    "companies": "Company\nAda\n",
    "contacts": "Name,Email,Company\nIda,ida@example.com,Bo Ltd\n",
    "tickets": "Ticket number,Subject,Company\n7,Printer,Bo Ltd\n",
    "time": "Client,Person,Date,Hours\nBo Ltd,Ana Ruiz,2026-03-04,1\n",
}
RESOURCES = {"companies": "Companies", "contacts": "Contacts", "tickets": "Tickets", "time": "Time"}


@pytest.fixture
def with_role(app, clerk):
    """Makes a browser of somebody whose only role holds the pairs given."""

    def make(*pairs: tuple[str, str]):
        with unit_of_work() as session:
            role = Role(name=f"Own {len(pairs)} {pairs[-1]}")
            held = session.scalars(select(PermissionView)).all()
            role.permissions = [
                each
                for each in held
                if (each.permission.name.removeprefix("can_"), each.view_menu.name) in pairs
            ]
            assert len(role.permissions) == len(pairs)
            session.add(role)
        return signed_in(app, person(role.name))

    return make


IMPORTS = (("see", "Home"), ("see", "Imports"), ("apply", "Imports"), ("undo", "Imports"))


def both(resource: str) -> tuple[tuple[str, str], ...]:
    return (("create", resource), ("edit", resource))


@pytest.mark.parametrize("kind", FILES)
def test_nothing_is_imported_that_one_may_not_write_by_hand(with_role, clerk, kind):
    theirs = uploaded(clerk, FILES["companies"]) if kind == "companies" else None
    somebody = with_role(*IMPORTS, ("see", RESOURCES[kind]))
    answer = send(somebody, FILES[kind], kind=kind)
    assert answer.status_code == 403
    assert "Your role may not create and edit" in words(answer.text)
    index = somebody.get("/imports/").text
    assert "New import" not in index
    assert db.session.scalar(select(func.count()).select_from(ImportBatch)) == bool(theirs)
    if theirs:
        assert somebody.get(f"{theirs}/mapping").status_code == 200
        for step in ("mapping", "dialect", "rows", "apply", "undo", "undo/check"):
            assert post(somebody, f"{theirs}/{step}").status_code == 403
        go_on(clerk, theirs, "mapping")
        assert "Apply 1 row" not in somebody.get(theirs).text
        go_on(clerk, theirs, "apply")
        assert "Undo…" not in somebody.get(theirs).text
        assert somebody.get(f"{theirs}/undo").status_code == 403
        assert names() == {"Ada"}


@pytest.mark.parametrize("kind", FILES)
def test_pages_offer_the_kinds_one_may_write(with_role, kind):
    somebody = with_role(*IMPORTS, *both(RESOURCES[kind]))
    page = somebody.get("/imports/").text
    assert [each for each in FILES if f'value="{each}"' in page] == [kind]
    assert send(somebody, FILES[kind], kind=kind).status_code == 302
    others = [each for each in FILES if each != kind]
    assert {send(somebody, FILES[each], kind=each).status_code for each in others} == {403}


def test_to_change_by_hand_is_not_to_create(with_role):
    somebody = with_role(*IMPORTS, ("edit", "Companies"))
    assert send(somebody, FILES["companies"]).status_code == 403


def test_what_is_made_on_the_way_is_asked_for_too(with_role, clerk):
    somebody = with_role(*IMPORTS, *both("Tickets"))
    url = uploaded(somebody, FILES["tickets"], kind="tickets")
    post(somebody, f"{url}/apply")
    assert "Check it first" in somebody.get(f"{url}/mapping").text
    go_on(somebody, url, "mapping")
    told = words(go_on(somebody, url, "apply"))
    assert "It would make companies on the way, which you may not create" in told
    assert names() == set()
    uploaded_by_clerk = uploaded(clerk, "Company\nBo Ltd\n")
    go_on(clerk, uploaded_by_clerk, "mapping")
    go_on(clerk, uploaded_by_clerk, "apply")
    go_on(somebody, url, "mapping")
    go_on(somebody, url, "apply")
    assert db.session.scalars(select(Ticket.subject)).all() == ["Printer"]
    assert db.session.scalar(select(func.count()).select_from(Contact)) == 0
    assert db.session.scalar(select(func.count()).select_from(Company)) == 1


@pytest.mark.parametrize("kind", FILES)
def test_nothing_is_shown_of_a_file_that_one_may_not_see_elsewhere(app, with_role, kind):
    theirs = uploaded(signed_in(app, person("Admin")), FILES[kind], kind=kind)
    others = [("see", RESOURCES[each]) for each in FILES if each != kind]
    for somebody, status in (
        (with_role(*IMPORTS, ("see", RESOURCES[kind])), 200),
        (with_role(*IMPORTS, *others), 403),
    ):
        assert (theirs in somebody.get("/imports/").text) == (status == 200)
        assert somebody.get(f"{theirs}/refused").status_code == status
        page = somebody.get(f"{theirs}/mapping")
        assert page.status_code == status
        assert (somebody.get(theirs).status_code == 403) == (status == 403)
        assert ("Bo Ltd" in page.text or "Ada" in page.text) == (status == 200)


def test_who_may_not_approve_time_changes_by_a_file_what_they_may_by_hand(app):
    """Their own that is not approved yet: not the time of others, and no approved one."""
    user = person("Agent")
    agent = signed_in(app, user)
    with unit_of_work() as session:
        make.set_up_agency(time_approval="manager")
        fjord, bo = make.company("Fjord"), make.staff("Bo")
        own = session.scalars(select(Staff).where(Staff.user_id == user.id)).one()
        theirs = make.entry(fjord, by=bo, seconds=3600, state="submitted").id
        approved = make.entry(fjord, by=own, seconds=1800, state="approved").id
        open_ = make.entry(fjord, by=own, seconds=900, state="submitted").id
    url = uploaded(agent, exported(Task="Their words"), kind="time")
    go_on(agent, url, "mapping")
    told = words(agent.get(url).text)
    assert "it is the time of somebody else" in told
    assert "it is approved" in told
    go_on(agent, url, "apply")
    tasks = dict(db.session.execute(select(TimeEntry.id, TimeEntry.task)).all())
    assert tasks == {theirs: "", approved: "", open_: "Their words"}


def test_what_who_may_approve_time_made_ready_others_do_not_apply(app):
    admin, agent = (signed_in(app, person(role)) for role in ("Admin", "Agent"))
    with unit_of_work():
        make.set_up_agency(time_approval="manager")
        make.entry(make.company("Fjord"), by=make.staff("Bo"), state="submitted")
    url = uploaded(admin, exported(Task="Other words"), kind="time")
    go_on(admin, url, "mapping", state="submitted")
    answer = post(agent, f"{url}/apply")
    told = words(agent.get(url).text + answer.text)
    assert "made ready by somebody who may approve time" in told
    assert db.session.scalars(select(TimeEntry.task)).one() == ""
