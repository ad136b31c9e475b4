"""What an estimate comes to is held by the database, and proved anew from its lines."""

from typing import NamedTuple

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app.billing.prove import prove
from app.core.db import db, unit_of_work
from app.estimates.models import Estimate
from app.estimates.rules import Line
from tests import factories as make
from tests.estimates.conftest import HOUR

LINES = (
    Line(0, "time", "Design", 0, 4_321),
    Line(0, "time", "Setting", 0, 777),
    Line(0, "fixed", "Typeface", 20_003),
    Line(0, "fixed", "Once less", -1_111),
    Line(0, "time", "Training", 0, 1_999, is_optional=True),
    Line(0, "fixed", "Print", 5_051, is_optional=True),
)


class Rounding(NamedTuple):
    """How an account's figures are rounded."""

    amount_policy: str
    prices: str
    tax_scope: str
    cash_step: int


ROUNDINGS = (
    Rounding("line-once", "exclusive", "category", 0),
    Rounding("entry-once", "inclusive", "line", 5),
    Rounding("entry-4dp", "inclusive", "category", 5),
    Rounding("hours-2dp", "exclusive", "line", 0),
)


def approve(world, rounding: Rounding) -> Estimate:
    """Both optional lines are chosen."""
    with unit_of_work():
        make.account(world.company, "EUR", **rounding._asdict())
        make.rate("114.7501", company_id=world.company.id)
    estimate = world.offer(*LINES)
    world.answer(chosen="5 6", seen=str(estimate.sums([5, 6]).total_minor))
    db.session.rollback()
    return db.session.scalars(select(Estimate)).one()


def fault() -> str:
    db.session.expire_all()
    [found] = [check for check in prove() if check.name == "estimates"]
    return "" if found.ok else found.detail


def tampered(statement: str) -> str:
    """What is named when all that the guards of the database forbid is done."""
    for table in ("estimate", "estimate_line", "action_request"):
        db.session.execute(text(f"alter table {table} disable trigger user"))
    db.session.execute(text(statement))
    found = fault()
    db.session.rollback()
    return found


@pytest.mark.parametrize("rounding", ROUNDINGS, ids=str)
def test_a_cent_anywhere_is_named(world, rounding):
    approve(world, rounding)
    assert fault() == ""
    for change, named in (
        ("estimate set net_minor = net_minor + 1", "as its net"),
        ("estimate set tax_minor = tax_minor - 1", "as its tax"),
        ("estimate set rounding_minor = rounding_minor + 1", "as its rounding"),
        ("estimate set work_minor = work_minor + 1", "as its hours"),
        ("estimate set work_seconds = work_seconds + 1", "as its seconds"),
        ("estimate set chosen = '{5}'", "its lines make"),
        ("estimate set chosen = '{1, 5, 6}'", "not optional"),
        ("estimate set taxes[0]['tax_minor'] = '1'", "other taxes"),
        ("estimate_line set amount_minor = amount_minor + 1 where key = 1", "in line 1"),
        ("estimate_line set amount_minor = amount_minor + 1 where key = 6", "its lines make"),
        ("estimate_line set text = 'Nothing' where key = 6", "hashed when it was approved"),
        ("action_request set answer = '{}'", "hashed when it was approved"),
    ):
        found = tampered(f"update {change}")
        assert named in found, (change, found)
        assert f"version 1 of the estimate of #{world.number}" in found


def test_an_offer_that_was_declined_is_proved_as_it_was_sent(world):
    world.offer(Line(0, "time", "Design", 0, HOUR))
    assert fault() == ""
    world.answer("decline", text="No")
    assert fault() == ""
    assert "hashed when it was sent" in tampered("update estimate_line set text = 'Other'")


@pytest.mark.parametrize("rounding", ROUNDINGS, ids=str)
def test_the_database_takes_no_other_figures_for_an_approval(world, rounding):
    """What the engine made passes, and one minor unit beside it does not."""
    approved = approve(world, rounding)
    for change in (
        "net_minor = net_minor + 1, tax_minor = tax_minor - 1",
        "rounding_minor = rounding_minor + 1",
        "work_minor = work_minor + 1",
        "work_seconds = work_seconds + 1",
        "taxes = '[]'",
        "chosen = '{5}'",
    ):
        with pytest.raises(IntegrityError, match="does not come to what its lines make"):
            _approve_anew(approved.id, change)
        db.session.rollback()
    _approve_anew(approved.id, "net_minor = net_minor")
    db.session.rollback()


def _approve_anew(estimate_id: int, change: str) -> None:
    """Approve it once more with a change, where only the guard of its sums is awake."""
    chosen = "" if "chosen" in change else ", chosen = '{5, 6}'"
    for statement in (
        "alter table estimate disable trigger frozen_once_sent",
        "update estimate set state = 'expired', chosen = '{}' where id = :id",
        f"update estimate set state = 'approved', {change}{chosen} where id = :id",
    ):
        db.session.execute(text(statement), {"id": estimate_id} if ":id" in statement else {})
