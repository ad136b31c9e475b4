"""Who sees a ticket, asked of the ticket and asked of each contact, is answered alike."""

from datetime import timedelta

from sqlalchemy import select

from app.companies.models import Contact
from app.companies.visibility import viewer_of
from app.core import clock
from app.core.access import scoped
from app.core.db import db, unit_of_work
from app.tickets.models import Ticket
from app.tickets.subscribing import ensure_subscribed
from app.tickets.visibility import who_see
from tests import factories as make


def test_whoever_asks_the_same_people_see_it(app):
    with unit_of_work():
        make.set_up_agency()
        holding = make.company("Holding")
        house = make.company("House", parent_id=holding.id)
        sales = make.company("Sales", kind="department", parent_id=house.id)
        shop = make.company("Shop", kind="site", parent_id=sales.id)
        daughter = make.company("Daughter", parent_id=house.id)
        places = [holding, house, sales, shop, daughter, make.company("Stranger")]
        people = [
            make.contact(place, role=role, **more)
            for place in places
            for role, more in (
                ("requester", {}),
                ("approver", {}),
                ("manager", {}),
                ("requester", {"archived_at": clock.now()}),
                ("manager", {"archived_at": clock.now()}),
            )
        ]
        for place in places:
            for role in ("requester", "manager"):
                people.append(make.contact(place, role=role))
                people[-1].memberships[0].valid_to = clock.today()
                people.append(make.contact(place, role=role))
                people[-1].memberships[0].valid_from = clock.today() + timedelta(days=1)
        tickets = [make.ticket(place, requester_id=people[0].id) for place in places]
        for person in people[::2]:
            ensure_subscribed(tickets[1], contact_id=person.id, source="colleague")
            ensure_subscribed(tickets[4], contact_id=person.id, source="colleague")
    ids = list(db.session.scalars(select(Contact.id)))
    seen_at_all = 0
    viewers = [viewer_of(one) for one in ids]
    for ticket in tickets:
        each = {
            viewer.id
            for viewer in viewers
            if ticket.id in db.session.scalars(scoped(Ticket, viewer).with_only_columns(Ticket.id))
        }
        assert who_see(ticket, ids) == each
        seen_at_all += len(each)
    assert seen_at_all > len(tickets)
    assert who_see(tickets[0], []) == set()
