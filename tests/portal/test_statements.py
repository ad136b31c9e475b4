"""How much the portal's pages ask of the database, whatever stands behind a request."""

import itertools
from datetime import timedelta

import pytest

from app.core import clock
from app.core.db import db, unit_of_work
from app.tickets import commands, joining
from app.tickets.models import Ticket
from tests import factories as make
from tests.portal.acting import STAFF
from tests.portal.door import text_of


def asked_for(mira, statements, ticket) -> tuple[int, str]:
    """How many things the page of a request asks, and the page."""
    at = f"/portal/requests/{ticket.number}"
    with statements() as asked:
        page = text_of(mira.get(at))
    said = [one for one in asked if not one.lower().startswith(("begin", "commit", "rollback"))]
    return len(said), page


@pytest.mark.parametrize("messages", [0, 120])
def test_the_page_of_a_request_asks_at_most_eight_things(northwind, mira, statements, messages):
    with unit_of_work():
        ticket = db.session.get(Ticket, northwind.ticket.id)
        for number in range(messages):
            commands.reply(
                ticket, actor=STAFF, text=f"no {number}", files=[commands.Upload("a", b"a")]
            )
    count, page = asked_for(mira, statements, northwind.ticket)
    assert count <= 8
    assert ("Earlier messages" in page) is (messages > 50)


@pytest.mark.parametrize("steps", [1, 4])
def test_a_merged_request_asks_no_more_however_long_the_way(northwind, mira, statements, steps):
    with unit_of_work():
        ticket = db.session.get(Ticket, northwind.ticket.id)
        way = [ticket, *(make.ticket(northwind.company, requester_id=northwind.mira.id)
                         for _ in range(steps))]  # fmt: skip
        for duplicate, into in itertools.pairwise(way):
            joining.merge(duplicate, into, actor=STAFF)
        end = way[-1].number
    count, page = asked_for(mira, statements, ticket)
    assert count <= 8
    assert f'href="/portal/requests/{end}"' in page


def test_a_request_that_follows_and_is_followed_asks_no_more(northwind, mira, statements):
    with unit_of_work():
        long_ago = clock.now() - timedelta(days=400)
        own = {"requester_id": northwind.mira.id}
        closed = {"category": "completed", "closed_at": long_ago, **own}
        first = make.ticket(northwind.company, **closed)
        second = make.ticket(northwind.company, follows_id=first.id, **closed)
        third = make.ticket(northwind.company, follows_id=second.id, **own)
    count, page = asked_for(mira, statements, second)
    assert count <= 8
    assert f'href="/portal/requests/{first.number}"' in page, "it follows"
    assert f'href="/portal/requests/{third.number}"' in page, "it goes on"


@pytest.mark.parametrize("path", ["/portal/", "/portal/requests/", "/portal/requests/new"])
def test_lists_ask_as_much_for_many_requests_as_for_few(northwind, mira, statements, path):
    works = []
    for count in (0, 30):
        with unit_of_work():
            for _ in range(count):
                person = make.contact(northwind.company)
                make.ticket(northwind.company, requester_id=northwind.mira.id)
                make.ticket(northwind.company, requester_id=person.id)
        with statements() as asked:
            assert mira.get(path).status_code == 200
        works.append(len(asked))
    assert works[0] == works[1] <= 8
