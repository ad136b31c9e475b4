"""Names are looked up by those who may see such rows, in whatever form."""

import pytest
from flask_appbuilder.security.sqla.models import Role

from app.companies.models import Company
from app.core.audit import SYSTEM
from app.core.db import db, unit_of_work
from app.core.forms import new_nonce
from app.staff import permissions
from tests import factories as make
from tests.web.import_desk import words
from tests.web.people import person, signed_in

BLIND = frozenset(
    {
        ("see", "Home"),
        ("see", "Tickets"),
        ("create", "Tickets"),
        ("create", "Contacts"),
        ("edit", "Companies"),
        ("see", "Imports"),
    }
)


@pytest.fixture
def blind(app):
    """Somebody who opens tickets and keeps records, and may see no company and no contact."""
    with unit_of_work() as session:
        make.set_up_agency()
        session.add(Role(name="Blind"))
    with unit_of_work():
        permissions.set_permissions("Blind", BLIND, actor=SYSTEM)
    return signed_in(app, person("Blind"))


@pytest.fixture
def northwind(app):
    with unit_of_work():
        return make.company("Northwind"), make.company("Northwind Norge")


def test_a_new_ticket_does_not_name_the_company_of_an_id(blind, northwind):
    page = blind.get(f"/tickets/new?company={northwind[0].id}").text
    assert "Northwind" not in page


def test_a_part_of_a_name_is_not_completed(blind, northwind):
    sent = {"nonce": new_nonce(), "subject": "x", "company_text": "north", "contact_text": "a"}
    page = blind.post("/tickets/new", data=sent).text
    assert "Northwind" not in page
    assert "No company is called “north”" in words(page)


def test_a_form_does_not_name_the_company_of_an_id(blind, northwind):
    sent = {"nonce": new_nonce(), "company_id": northwind[0].id, "name": ""}
    page = blind.post("/contacts/add", data=sent)
    assert page.status_code == 200
    assert "Northwind" not in page.text
    sent |= {"name": "Ida", "company_id_text": "north", "company_id": ""}
    page = blind.post("/contacts/add", data=sent)
    assert "Your role may not see these" in words(page.text)


def test_what_was_chosen_by_others_stays(blind, northwind):
    above, below = northwind
    with unit_of_work() as session:
        session.get_one(Company, below.id).parent_id = above.id
    url = f"/companies/edit/{below.id}"
    page = blind.get(url)
    assert page.status_code == 200
    assert f"No. {above.id}" in page.text
    sent = {
        "name": "Northwind Norge",
        "kind": "company",
        "phone": "12",
        "parent_id": above.id,
        "parent_id_text": f"No. {above.id}",
        "version": db.session.get_one(Company, below.id).version,
        "nonce": new_nonce(),
    }
    blind.post(url, data=sent)
    db.session.expire_all()
    found = db.session.get_one(Company, below.id)
    assert (found.phone, found.parent_id) == ("12", above.id)
