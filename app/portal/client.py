"""Who is signed in to the portal in this request."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from flask import g, redirect, render_template, request, session, url_for
from flask_wtf.csrf import CSRFError

from app.companies import account_letters, accounts, viewing
from app.companies.account_models import PortalAccount, PortalViewing
from app.companies.models import Company, Contact
from app.companies.visibility import viewer_of
from app.core import clock, language
from app.core.access import Viewer
from app.core.audit import Actor
from app.core.given_back import written
from app.core.logs import request_id
from app.core.models import Agency
from app.core.posting import mark
from app.core.sessions import VIEWING, desk_session, is_portal
from app.core.targets import is_local
from app.portal import blueprint, door

CONTACT = "contact"
EPOCH = "epoch"


@dataclass
class Client:
    """A signed-in contact, with their account and the agency they are a client of.

    `company` is their primary one. `viewing` is set where staff only look as this contact, who is
    not there.
    """

    account: PortalAccount
    agency: Agency
    company: Company | None = None
    viewing: PortalViewing | None = None

    @property
    def contact(self) -> Contact:
        return self.account.contact

    @property
    def id(self) -> int:
        return self.account.contact_id

    @property
    def email(self) -> str:
        return next((one.address for one in self.contact.emails if one.is_primary), "")

    @property
    def zone(self) -> str:
        """The zone in which this person reads times: chosen, else the usual one."""
        return self.contact.zone or self.usual_zone

    @property
    def usual_zone(self) -> str:
        """The zone of one who chose none: their company's, else the agency's."""
        return (self.company.zone if self.company else None) or self.agency.zone

    @property
    def language(self) -> str:
        """The language in which this person reads: chosen, their company's, or the agency's."""
        chosen = self.contact.language or (self.company.language if self.company else None)
        return chosen or self.agency.language

    @property
    def company_id(self) -> int | None:
        """Their primary company, for which they ask unless they choose another one."""
        return self.company.id if self.company else None

    @cached_property
    def viewer(self) -> Viewer:
        """What they may see."""
        return viewer_of(self.id, today=clock.today(self.agency.zone))

    @property
    def actor(self) -> Actor:
        if self.viewing is not None:
            raise RuntimeError("who only looks does nothing")
        return Actor(
            name=self.contact.name,
            channel=accounts.CHANNEL,
            contact_id=self.id,
            request_id=request_id(),
        )


def current_or_none() -> Client | None:
    """The client of this request; asked once. None for everybody else, staff included."""
    if "client" not in g:
        g.client = _found() if is_portal(request) else None
    client: Client | None = g.client
    return client


def _found() -> Client | None:
    if VIEWING in session:
        seen = viewing.seen_by(session[VIEWING], desk_session())
        return Client(*seen[1], viewing=seen[0]) if seen else None
    contact_id = session.get(CONTACT)
    if not isinstance(contact_id, int):
        return None
    found = accounts.account_of_session(contact_id, session.get(EPOCH))
    return Client(*found) if found else None


def current() -> Client:
    """The client of this request, on pages that only they reach."""
    found = current_or_none()
    if found is None:
        raise RuntimeError("no client is signed in")
    return found


def person_id() -> int:
    """The contact who is signed in; 0 for everybody else."""
    found = current_or_none()
    return found.id if found else 0


def agency_name() -> str:
    """The agency whose portal this is."""
    found = current_or_none()
    return found.agency.name if found else account_letters.agency_name()


def zone() -> str:
    """The zone in which the client of this request reads times; empty for everybody else."""
    found = current_or_none()
    return found.zone if found else ""


@blueprint.before_request
def ensure_signed_in() -> Any:
    """Send everybody else to sign in; what they meant to do leads them back afterwards."""
    if current_or_none() is not None:
        return None
    if request.method == "GET":
        return redirect(url_for("door.sign_in", next=request.full_path.rstrip("?")))
    return too_late(), 401


@blueprint.errorhandler(CSRFError)
def form_of_another_session(_error: CSRFError) -> Any:
    return too_late(), 400


@door.errorhandler(CSRFError)
def form_of_another_visit(_error: CSRFError) -> Any:
    """A form before one is in needs no signing in: its own page takes it once more."""
    is_page = request.url_rule is not None and "GET" in (request.url_rule.methods or ())
    return too_late(request.path if is_page else url_for("door.sign_in")), 400


def too_late(page: str = "") -> str:
    """Give back what was typed into a form whose session is over; nothing typed is lost.

    One goes on at the `page` that is open to everybody, else, signed in, where one came from.
    """
    is_in = page != "" or current_or_none() is not None
    there = page or urlsplit(request.referrer or "").path
    target = there if there.startswith("/portal/") and is_local(there) else url_for("portal.home")
    return render_template(
        "portal/too_late.html",
        is_in=is_in,
        target=target if is_in else url_for("door.sign_in", next=target),
        written=written(request.form),
        mark=mark(),
    )


def begin_session(account: PortalAccount) -> None:
    """Start a new session; nothing of the one before is carried over."""
    session.clear()
    session.permanent = True
    session[CONTACT] = account.contact_id
    session[EPOCH] = account.epoch
    g.pop("client", None)
    language.read_in(current().language)


def end_session() -> None:
    """Sign this browser out."""
    session.clear()
    g.pop("client", None)
