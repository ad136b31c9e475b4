"""A button that is pressed twice at once is answered twice as if it had been pressed once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from app.core.db import unit_of_work
from app.core.forms import new_nonce
from tests import factories as make
from tests.web.people import person, portal_account, signed_in

AT_ONCE = 3


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/contacts/{guest}/portal", {"do": "invite"}),
        ("/contacts/{contact}/view-as", {}),
        ("/companies/{company}/domains", {"domain": "northwind.example"}),
    ],
)
def test_whoever_presses_twice_sees_no_error(app, path, fields):
    with unit_of_work():
        make.set_up_agency()
        company = make.company("Northwind")
        guest, contact = make.contact(company), make.contact(company)
    portal_account(contact)
    admin, together = person("Admin"), Barrier(AT_ONCE)
    there = path.format(guest=guest.id, contact=contact.id, company=company.id)

    def press(_: int) -> int:
        with app.app_context():
            browser = signed_in(app, admin)
            together.wait(timeout=10)
            return browser.post(there, data=fields | {"nonce": new_nonce()}).status_code

    for _ in range(2):  # the second time there is something already
        with ThreadPoolExecutor(AT_ONCE) as pool:
            assert list(pool.map(press, range(AT_ONCE))) == [302] * AT_ONCE
