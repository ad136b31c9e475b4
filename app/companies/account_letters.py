"""What the portal writes to people about their access. A mail holds at most one link.

The link stands in the mail alone: of its secret only a hash is kept beside it.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from flask import current_app
from sqlalchemy import select

from app.companies.models import Contact
from app.core import clock, mail
from app.core.db import db
from app.core.models import Agency
from app.core.public_links import public_url

LINK = "/portal/link/"
ABOUT = "contact"
NOT_YOU = "If you did not ask for this, leave it: nothing happens without the link."


@dataclass(frozen=True, slots=True)
class Wording:
    """How a mail with a link reads; {agency} is filled in."""

    subject: str
    why: str
    button: str
    how_long: str


WORDINGS = {
    "sign_in": Wording(
        "Sign in to the portal of {agency}",
        "here is the link you asked for. It signs you in without a password.",
        "Sign in",
        "It works once, within 15 minutes.",
    ),
    "reset": Wording(
        "Choose a new password for the portal of {agency}",
        "follow this link to choose a new password. Your old one stays until then.",
        "Choose a new password",
        "It works once, within one hour.",
    ),
    "email": Wording(
        "Confirm your new e-mail address",
        "follow this link to make this address the one you sign in with at {agency}.",
        "Use this address",
        "It works once, within 24 hours.",
    ),
    "registration": Wording(
        "Confirm your e-mail address for {agency}",
        "thank you for asking for an account. Follow this link to confirm your address.",
        "Confirm the address",
        "It works once, within 14 days.",
    ),
}


def post_invitation(contact: Contact, email: str, secret: str, *, invited_by: str) -> None:
    """Invite a contact; the mail says who invites and for which company."""
    agency = agency_name()
    company = next((one.company.name for one in contact.memberships if one.is_primary), agency)
    company = mail.one_line(company)
    who = f"{mail.one_line(invited_by)} of {agency} invites" if invited_by else f"{agency} invites"
    wording = Wording(
        f"Join the portal of {agency} for {company}",
        f"{who} you to the client portal, where you see and answer the requests of {company}.",
        "Join",
        "The link works once, within 14 days.",
    )
    _post(wording, contact.name, email, secret, about=(ABOUT, contact.id))


def post_link(contact: Contact, email: str, secret: str, *, purpose: str) -> None:
    """Mail a link of one of the purposes of `WORDINGS` to a contact."""
    _post(WORDINGS[purpose], contact.name, email, secret, about=(ABOUT, contact.id), foot=NOT_YOU)


def post_address_changed(contact: Contact, before: str, after: str) -> None:
    """Tell the former address that another one took its place, in case it was not its owner."""
    wording = Wording(
        "You sign in with another e-mail address now",
        f"from now on you sign in at {{agency}} with {after}, and our mails go there.",
        "",
        "If that was not you, answer this mail at once.",
    )
    key = f"address:{contact.id}:{clock.now().isoformat()}"
    _post(wording, contact.name, before, "", about=(ABOUT, contact.id), key=key)


def post_registration(name: str, email: str, secret: str, registration_id: int) -> None:
    """Ask somebody who registered to confirm the address."""
    about = ("registration", registration_id)
    _post(WORDINGS["registration"], name, email, secret, about=about, foot=NOT_YOU)


def post_waiting(name: str, email: str, company: str, registration_id: int) -> None:
    """Tell the agency, where it has an address, that somebody waits to be let in."""
    address = _agency_email()
    if not address:
        return
    who = f"{mail.one_line(name)} ({email}) of {mail.one_line(company) or 'no company'}"
    wording = Wording(
        f"{mail.one_line(name)} asks for access to the portal",
        f"{who} has registered and confirmed the address.",
        "Decide",
        "Whoever may change contacts can decide.",
    )
    about = ("registration", registration_id)
    _post(wording, agency_name(), address, "", about=about, path="/registrations")


def post_rejection(name: str, email: str, reason: str, registration_id: int) -> None:
    """Tell somebody that no account is opened, and why."""
    wording = Wording(
        "Your registration with {agency}",
        f"we could not open an account for you: {mail.one_line(reason)}",
        "",
        "Answer this mail if you think that is wrong.",
    )
    _post(wording, name, email, "", about=("registration", registration_id))


def agency_name() -> str:
    """The agency's name on one line."""
    return mail.one_line(db.session.scalars(select(Agency.name)).one())


def _agency_email() -> str | None:
    return db.session.scalars(select(Agency.email)).one()


def _post(
    wording: Wording,
    name: str,
    email: str,
    secret: str,
    *,
    about: tuple[str, int],
    foot: str = "",
    path: str = "",
    key: str = "",
) -> None:
    agency, name = agency_name(), mail.one_line(name)
    link = public_url(LINK + secret if secret else path) if secret or path else ""
    why = wording.why.replace("{agency}", agency)
    parts = (f"Dear {name},", why, link, wording.how_long, foot, agency)
    word: Literal["ACTION", "Notification"] = "ACTION" if link else "Notification"
    if not key:
        key = (
            sha256(secret.encode()).hexdigest()[:40] if secret else f"{about[0]}:{about[1]}:{path}"
        )
    page = current_app.jinja_env.get_template("mail/access.html").render(
        name=name, why=why, link=link, wording=wording, foot=foot, agency=agency
    )
    letter = mail.Letter(
        word=word,
        subject=wording.subject.replace("{agency}", agency),
        body="\n\n".join(filter(None, parts)) + "\n",
        html=page,
        recipient=email,
        recipient_name=name,
        headers=mail.headers_of(agency, _agency_email()),
        dedupe_key=f"portal:{key}",
        about=about,
    )
    mail.post([letter])
