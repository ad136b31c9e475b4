"""What one does at the portal's door, as a browser does it."""

from sqlalchemy import select

from app.companies import accounts
from app.companies.models import Contact, ContactEmail
from app.core.db import db, unit_of_work
from tests.portal.acting import STAFF, link_in, mails
from tests.portal.conftest import PASSWORD


def email_of(contact: Contact) -> str:
    return db.session.scalars(
        select(ContactEmail.address).where(ContactEmail.contact_id == contact.id)
    ).first()


def text_of(answer) -> str:
    return answer.get_data(as_text=True)


def sign_in(browser, email, password=PASSWORD, **query):
    return browser.post(
        "/portal/sign-in", data={"email": email, "password": password}, query_string=query
    )


def is_in(browser) -> bool:
    return browser.get("/portal/").status_code == 200


def invite(contact: Contact, target: str = "") -> str:
    with unit_of_work():
        accounts.invite(STAFF, db.session.merge(contact), target=target)
    return link_in(mails()[-1])


def register(browser, email="ada@harbour.example", **more):
    fields = {"email": email, "name": "Ada Berg", "company": "Harbour AS", "phone": "12", **more}
    return browser.post("/portal/register", data=fields)
