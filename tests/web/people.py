"""People of each role, and browsers in which they are signed in without the cost of a hash."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import select

from app.companies.account_models import PortalAccount
from app.companies.models import Contact
from app.core.credentials import EPOCH, epoch_of
from app.core.db import db, unit_of_work
from app.staff.accounts import add_user

_next = count(1)


def person(*roles: str, email: str = "", password_hash: str = "-", username: str = "") -> User:
    """A user with these roles and a staff row, saved."""
    email = email or f"{(roles or ('nobody',))[0].lower()}{next(_next)}@example.com"
    with unit_of_work():
        found = list(db.session.scalars(select(Role).where(Role.name.in_(roles))))
        assert len(found) == len(roles)
        return add_user(email, username or email, f"{email[:5]} Person", found, password_hash)


class Visitor(FlaskClient):
    """A browser: each request has an application context, and so a `g` and a database session,
    of its own, also while the test holds one."""

    def open(self, *arguments: Any, **named: Any) -> Any:
        with self.application.app_context():
            return super().open(*arguments, buffered=True, **named)


def visitor(app: Flask) -> Visitor:
    """A browser in which nobody has signed in."""
    return Visitor(app, app.response_class)


def signed_in(app: Flask, user: User) -> Visitor:
    """A browser in which this user has signed in."""
    client = visitor(app)
    with client.session_transaction() as session:
        session["_user_id"] = str(user.id)
        session["_fresh"] = True
        session[EPOCH] = epoch_of(user.id)
        session.permanent = True
    return client


def portal_account(contact: Contact, *, password_hash: str | None = None) -> PortalAccount:
    """Access to the portal for a contact, saved."""
    with unit_of_work():
        account = PortalAccount(contact_id=contact.id, password=password_hash, epoch=1)
        db.session.add(account)
    return account


def client_in(app: Flask, contact: Contact) -> Visitor:
    """A browser in which this contact, who has access, is signed in to the portal."""
    client = visitor(app)
    with client.session_transaction("/portal/") as session:
        session["contact"] = contact.id
        session[EPOCH] = db.session.scalars(
            select(PortalAccount.epoch).where(PortalAccount.contact_id == contact.id)
        ).one()
        session.permanent = True
    return client


@contextmanager
def fresh() -> Iterator[Any]:
    """The session with nothing remembered: what is read in it is what pages have written."""
    db.session.rollback()
    db.session.expire_all()
    yield db.session
