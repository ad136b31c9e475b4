"""Finding one company or contact by what a person writes: id, external id or name, address."""

from sqlalchemy import select

from app.companies.models import Company, Contact, ContactEmail
from app.core.addresses import usual
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.core.typed import id_of
from app.imports.values import fold_name


def company(named: str) -> Company:
    """The company meant by an id, else an external id, else a folded name.

    Raises NotFoundError, and RuleError naming the candidates when there are several.
    """
    wanted = named.strip()
    own_id = id_of(wanted)
    if own_id is not None and (found := db.session.get(Company, own_id)):
        return found
    by_id = db.session.scalars(select(Company).where(Company.external_id == wanted)).all()
    by_name = select(Company).where(Company.name_key == fold_name(wanted))
    found = by_id or db.session.scalars(by_name.where(Company.archived_at.is_(None))).all()
    if not found:
        msg = f"There is no company {named!r}: give its id, external id or name."
        raise NotFoundError(msg)
    if len(found) > 1:
        names = ", ".join(f"{each.name} (id {each.id})" for each in found)
        msg = f"Several companies are meant by {named!r}: {names}. Give the id."
        raise RuleError(msg)
    return found[0]


def contact(named: str) -> Contact:
    """The contact meant by an id, else by an e-mail address. Raises `NotFoundError`."""
    wanted = named.strip()
    own_id = id_of(wanted)
    found = db.session.get(Contact, own_id) if own_id is not None else None
    if found is None:
        by_address = select(Contact).join(ContactEmail, ContactEmail.contact_id == Contact.id)
        found = db.session.scalar(by_address.where(ContactEmail.address == usual(wanted)))
    if found is None:
        raise NotFoundError(f"There is no contact {named!r}: give their id or an e-mail address.")
    return found
