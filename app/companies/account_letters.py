"""What the portal writes to people about their access. Each mail holds one link.

The link stands in the mail alone: of its secret only a hash is kept beside it.
"""

from hashlib import sha256

from sqlalchemy import select

from app.companies.models import Contact
from app.core import mail
from app.core.db import db
from app.core.models import Agency
from app.core.public_links import public_url

LINK = "/portal/link/"
ABOUT = "contact"
# purpose -> subject, what the mail says, how long the link works
TEXTS = {
    "sign_in": (
        "Sign in to the portal of {agency}",
        "here is the link you asked for. It signs you in without a password.",
        "It works once, within 15 minutes.",
    ),
    "reset": (
        "Choose a new password for the portal of {agency}",
        "follow this link to choose a new password.",
        "It works once, within one hour. Your old password stays until then.",
    ),
    "email": (
        "Confirm your new e-mail address",
        "follow this link to make this address the one you sign in with at {agency}.",
        "It works once, within 24 hours.",
    ),
    "registration": (
        "Confirm your e-mail address for {agency}",
        "thank you for asking for an account. Follow this link to confirm your address.",
        "It works once, within 14 days.",
    ),
}
NOT_YOU = "If you did not ask for this, leave it: nothing happens without the link."


def post_invitation(contact: Contact, email: str, secret: str, *, invited_by: str) -> None:
    """Invite a contact; the subject says who invites and for which company."""
    agency = agency_name()
    company = next((one.company.name for one in contact.memberships if one.is_primary), "")
    who = f"{mail.one_line(invited_by)} of {agency} invites" if invited_by else f"{agency} invites"
    _post(
        word="ACTION",
        subject=f"Join the portal of {agency} for {mail.one_line(company)}",
        lines=(
            (
                f"{who} you to the client portal, where you see and answer the requests of"
                f" {mail.one_line(company)}."
            ),
            "Follow this link to choose a password and come in:",
            public_url(LINK + secret),
            "It works once, within 14 days.",
        ),
        contact_name=contact.name,
        email=email,
        secret=secret,
        about=(ABOUT, contact.id),
    )


def post_link(contact: Contact, email: str, secret: str, *, purpose: str) -> None:
    """Mail a link of one of the purposes of `TEXTS` to a contact."""
    _post_text(purpose, contact.name, email, secret, about=(ABOUT, contact.id))


def post_registration(name: str, email: str, secret: str, registration_id: int) -> None:
    """Ask somebody who registered to confirm the address."""
    _post_text("registration", name, email, secret, about=("registration", registration_id))


def post_known(contact: Contact, email: str, secret: str) -> None:
    """Tell somebody who registered though they have an account how to come in."""
    _post_text("sign_in", contact.name, email, secret, about=(ABOUT, contact.id))


def post_rejection(name: str, email: str, reason: str, registration_id: int) -> None:
    """Tell somebody that no account is opened, and why."""
    agency = agency_name()
    _post(
        word="Notification",
        subject=f"Your registration with {agency}",
        lines=(
            f"we could not open an account for you: {mail.one_line(reason)}",
            "Answer this mail if you think that is wrong.",
        ),
        contact_name=name,
        email=email,
        secret=f"rejected:{registration_id}",
        about=("registration", registration_id),
    )


def agency_name() -> str:
    """The agency's name on one line."""
    return mail.one_line(db.session.scalars(select(Agency.name)).one())


def _post_text(purpose: str, name: str, email: str, secret: str, *, about: tuple[str, int]) -> None:
    agency = agency_name()
    subject, why, how_long = (text.format(agency=agency) for text in TEXTS[purpose])
    _post(
        word="ACTION",
        subject=subject,
        lines=(why, public_url(LINK + secret), how_long, NOT_YOU),
        contact_name=name,
        email=email,
        secret=secret,
        about=about,
    )


def _post(
    *,
    word: str,
    subject: str,
    lines: tuple[str, ...],
    contact_name: str,
    email: str,
    secret: str,
    about: tuple[str, int],
) -> None:
    name = mail.one_line(contact_name)
    body = "\n\n".join((f"Dear {name},", *lines, agency_name()))
    letter = mail.Letter(
        word="ACTION" if word == "ACTION" else "Notification",
        subject=subject,
        body=body + "\n",
        recipient=email,
        recipient_name=name,
        dedupe_key=f"portal:{sha256(secret.encode()).hexdigest()[:40]}",
        about=about,
    )
    mail.post([letter])
