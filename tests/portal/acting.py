"""Contacts and staff as actors, mails as they were posted, forms as a browser sends them."""

import re

from sqlalchemy import select

from app.companies.models import Contact
from app.core import forms, jobs
from app.core.audit import Actor
from app.core.db import db
from app.core.models import Mail
from jobs import load_handlers

STAFF = Actor(name="Ann Agent", channel="web")


def acting(contact: Contact) -> Actor:
    return Actor(name=contact.name, channel="portal", contact_id=contact.id)


def carry_out_jobs() -> None:
    """What the worker does for people at the door."""
    load_handlers()
    jobs.run_due(kinds=("portal.link", "portal.register", "portal.address"))


def mails() -> list[Mail]:
    carry_out_jobs()
    db.session.rollback()
    return list(db.session.scalars(select(Mail).order_by(Mail.id)))


def link_in(mail: Mail) -> str:
    """The path of the link in a mail."""
    return re.search(r"http://[^/\s]+(/portal/link/[\w-]+)", mail.body).group(1)


def sent(**fields) -> dict:
    """A form's fields with a nonce of its own."""
    return {"nonce": forms.new_nonce(), **fields}
