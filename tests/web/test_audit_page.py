"""The audit log on the desk says what was changed by its name."""

import pytest
from sqlalchemy import select

from app.core.audit import SYSTEM, record
from app.core.db import db, unit_of_work
from app.core.models import AuditLog
from app.desk.audit import written
from app.desk.audit_names import COMPOSED, NAMED, names
from tests import factories as make
from tests.web.people import person, signed_in

GONE = 2**40


def test_what_was_changed_is_named_and_what_is_gone_keeps_its_number(app, statements):
    admin_user = person("Admin")
    with unit_of_work():
        make.set_up_agency()
        fjord = make.company("Fjord Dental")
        ticket = make.ticket(fjord, subject="The <b>printer</b>")
        record(SYSTEM, "change", kind="company", id=fjord.id)
        record(SYSTEM, "change", kind="ticket", id=ticket.id)
        record(SYSTEM, "sign in", kind="user", id=admin_user.id)
        record(SYSTEM, "remove", kind="department", id=GONE)
        record(SYSTEM, "change", kind="agency", id=1)
        number = ticket.number
    admin = signed_in(app, admin_user)
    page = admin.get("/audit/").text
    assert "Fjord Dental" in page
    assert f"#{number} The &lt;b&gt;printer&lt;/b&gt;" in page
    assert f"department {GONE}" in page
    rows = list(db.session.scalars(select(AuditLog)))
    with statements() as asked:
        named = names(rows)
    assert len(asked) == 1
    assert named["user", admin_user.id] == "admin Person"


@pytest.mark.usefixtures("app")
def test_every_kind_that_has_names_can_be_asked_for():
    kinds = [*NAMED, *COMPOSED]
    with unit_of_work() as session:
        rows = [AuditLog(object_kind=kind, object_id=GONE) for kind in kinds]
        assert names(rows) == {}
        session.expunge_all()


@pytest.mark.parametrize(
    ("kept", "read"),
    [("2026-11-20", "20 Nov 2026"), ("165.0000", "165.00"), ("96.1250", "96.1250"),
     ("2026-13-45", "2026-13-45"), ("10.0.0000", "10.0.0000"), (7, 7), (None, None)],
)  # fmt: skip
def test_values_are_written_as_people_read_them(kept, read):
    assert written(kept) == read


@pytest.mark.usefixtures("app")
def test_a_rate_rule_is_named_by_whom_it_is_for():
    with unit_of_work():
        make.set_up_agency()
        rule = make.rate(company_id=make.company("Fjord Dental").id)
        row = AuditLog(object_kind="rate_rule", object_id=rule.id)
        assert names([row]) == {("rate_rule", rule.id): "Fjord Dental, EUR"}
