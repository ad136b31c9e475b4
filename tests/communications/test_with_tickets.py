"""What is asked of a client while tickets merge: held in one order, and never out of sight."""

import threading

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from app.communications import actions, actions_queries
from app.communications.action_models import ActionRequest
from app.communications.actions_rules import Given
from app.companies.models import Company
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.tickets import commands, joining, queries
from app.tickets.models import Event, Ticket
from tests import factories as make
from tests.communications.asking import asked, now_is
from tests.portal.acting import acting

PATIENCE = 30


def other(world, subject="The same logo") -> int:
    with unit_of_work():
        company_id = db.session.get_one(Ticket, world["ticket"].id).company_id
        return make.ticket(db.session.get_one(Company, company_id), subject).id


def merge(world, into: int) -> None:
    held = {ticket.id: ticket for ticket in queries.locked_by_id([world["ticket"].id, into])}
    joining.merge(held[world["ticket"].id], held[into], actor=world["ada"])


def somebody_waits() -> None:
    query = text(
        "select count(*) from pg_stat_activity"
        " where wait_event_type = 'Lock' and datname = current_database()"
    )
    with db.engine.connect() as connection:
        for _ in range(PATIENCE * 100):
            if connection.scalar(query):
                return
            connection.execute(text("select pg_sleep(0.01)"))
            connection.rollback()
    raise AssertionError("nobody waits")


def test_an_answer_that_waited_for_a_merge_holds_the_ticket_on_which_it_is(world):
    action, into = asked(world), other(world)
    read, troubles = threading.Event(), []

    def answers() -> None:
        with world["app"].app_context():
            try:
                with unit_of_work():
                    own = db.session.get_one(ActionRequest, action.id)
                    assert own.ticket.id == world["ticket"].id
                    read.set()
                    held = actions_queries.locked(own)
                    assert held.ticket_id == into
                    with db.engine.connect() as another, pytest.raises(OperationalError):
                        query = select(Ticket.id).where(Ticket.id == into)
                        another.execute(query.with_for_update(nowait=True))
                    given = Given(text="Yes")
                    actions.answer(held, actor=acting(world["mira"]), deed="answer", given=given)
            except BaseException as error:  # noqa: BLE001 - told below
                troubles.append(error)
                read.set()
            db.session.remove()

    thread = threading.Thread(target=answers)
    with unit_of_work():
        merge(world, into)
        thread.start()
        assert read.wait(PATIENCE)
        somebody_waits()
    thread.join(PATIENCE)
    assert troubles == []
    assert now_is(action).state == "answered"
    last = select(Event.ticket_id).where(Event.contact_id == world["mira"].id)
    assert db.session.scalars(last).all() == [into]


def test_nothing_that_is_asked_goes_along_to_a_closed_ticket(world):
    action, into = asked(world), other(world)
    with unit_of_work():
        closed = queries.first_status("completed")
        commands.set_status(db.session.get_one(Ticket, into), actor=world["ada"], status=closed)
    with pytest.raises(RuleError, match="open #1002 again first"), unit_of_work():
        merge(world, into)
    assert now_is(action).ticket_id == world["ticket"].id
    with unit_of_work():
        opened = queries.first_status("open")
        commands.set_status(db.session.get_one(Ticket, into), actor=world["ada"], status=opened)
        merge(world, into)
    assert now_is(action).ticket_id == into
