"""What the portal writes to people about their access. A mail holds at most one link.

The link stands in the mail alone: of its secret only a hash is kept beside it.
"""

from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Literal

from flask import current_app
from sqlalchemy import select

from app.companies import queries
from app.companies.account_models import Registration
from app.companies.models import Contact
from app.core import clock, formats, language, mail
from app.core.db import db
from app.core.language import gettext as _
from app.core.models import Agency
from app.core.public_links import public_url
from app.core.words import say

LINK = "/portal/link/"
ABOUT, REGISTRATION = "contact", "registration"
PLACE = "%(agency)s"
NOT_YOU = say("If you did not ask for this, leave it: nothing happens without the link.")


@dataclass(frozen=True, slots=True)
class Reader:
    """To whom a mail about access goes, and in which language."""

    name: str
    email: str
    language: str


@dataclass(frozen=True, slots=True)
class Wording:
    """How a mail with a link reads; %(agency)s is filled in when it is told."""

    subject: str
    why: str
    button: str
    how_long: str


WORDINGS = {
    "sign_in": Wording(
        say("Sign in to the portal of %(agency)s"),
        say("here is the link you asked for. It signs you in without a password."),
        say("Sign in"),
        say("It works once, within 15 minutes."),
    ),
    "reset": Wording(
        say("Choose a new password for the portal of %(agency)s"),
        say("follow this link to choose a new password. Your old one stays until then."),
        say("Choose a new password"),
        say("It works once, within one hour."),
    ),
    "email": Wording(
        say("Confirm your new e-mail address"),
        say("follow this link to make this address the one you sign in with at %(agency)s."),
        say("Use this address"),
        say("It works once, within 24 hours."),
    ),
    "registration": Wording(
        say("Confirm your e-mail address for %(agency)s"),
        say("thank you for asking for an account. Follow this link to confirm your address."),
        say("Confirm the address"),
        say("It works once, within 14 days."),
    ),
}


def post_invitation(contact: Contact, email: str, secret: str, *, invited_by: str) -> None:
    """Invite a contact; the mail says who invites and for which company."""
    agency = agency_name()
    company = next((one.company.name for one in contact.memberships if one.is_primary), agency)
    names = {"agency": agency, "company": mail.one_line(company)}
    why = say(
        "%(agency)s invites you to the client portal, where you see and answer the requests of"
        " %(company)s.",
        **names,
    )
    if invited_by:
        why = say(
            "%(person)s of %(agency)s invites you to the client portal, where you see and answer"
            " the requests of %(company)s.",
            person=mail.one_line(invited_by),
            **names,
        )
    wording = Wording(
        say("Join the portal of %(agency)s for %(company)s", **names),
        why,
        say("Join"),
        say("The link works once, within 14 days."),
    )
    _post(wording, _of(contact, email), secret, about=(ABOUT, contact.id))


def post_link(contact: Contact, email: str, secret: str, *, purpose: str) -> None:
    """Mail a link of one of the purposes of `WORDINGS` to a contact."""
    about = (ABOUT, contact.id)
    _post(WORDINGS[purpose], _of(contact, email), secret, about=about, foot=NOT_YOU)


def post_address_changed(contact: Contact, before: str, after: str) -> None:
    """Tell the former address that another one took its place, in case it was not its owner."""
    wording = Wording(
        say("You sign in with another e-mail address now"),
        say(
            "from now on you sign in at %(agency)s with %(email)s, and our mails go there.",
            agency=agency_name(),
            email=after,
        ),
        "",
        _unless_you(contact),
    )
    key = f"address:{contact.id}:{clock.now().isoformat()}"
    _post(wording, _of(contact, before), "", about=(ABOUT, contact.id), key=key)


CHANGED = {
    "password": (
        say("Your password was changed"),
        say("your password for the portal of %(agency)s was changed. All other sign-ins ended."),
    ),
    "first_password": (
        say("You sign in with a password now"),
        say("from now on a password lets you in at the portal of %(agency)s."),
    ),
    "code_on": (
        say("Signing in asks for a code now"),
        say("from now on the portal of %(agency)s asks for a code of your app when you sign in."),
    ),
    "code_off": (
        say("Signing in asks for no code any more"),
        say("the portal of %(agency)s asks for no code of your app any more when you sign in."),
    ),
    "codes": (
        say("You have new recovery codes"),
        say("new recovery codes for the portal of %(agency)s took the place of all older ones."),
    ),
}


def post_changed(contact: Contact, what: str) -> None:
    """Tell somebody of a change to how they sign in (of `CHANGED`), in case it was not they.

    Who has no address, as staff took it away, hears nothing.
    """
    email = next((str(each.address) for each in contact.emails if each.is_primary), None)
    if email is None:
        return
    subject, why = CHANGED[what]
    wording = Wording(subject, why, "", _unless_you(contact))
    key = f"{what}:{contact.id}:{clock.now().isoformat()}"
    _post(wording, _of(contact, email), "", about=(ABOUT, contact.id), key=key)


def _unless_you(contact: Contact) -> str:
    """When a change to signing in was made, in the reader's zone, and what to do about it."""
    reading = queries.readings_of([contact.id])[contact.id]
    return say(
        "It was done on %(at)s (%(zone)s). If that was not you, answer this mail at once.",
        at=formats.instant(clock.now(), reading.zone, reading.language),
        zone=reading.zone,
    )


def post_registration(registration: Registration, secret: str) -> None:
    """Ask somebody who registered to confirm the address."""
    about = (REGISTRATION, registration.id)
    _post(WORDINGS["registration"], _who(registration), secret, about=about, foot=NOT_YOU)


def post_waiting(registration: Registration) -> None:
    """Tell the agency, where it has an address, that somebody waits to be let in."""
    address = _agency_email()
    if not address:
        return
    name, company = mail.one_line(registration.name), mail.one_line(registration.company_name)
    wording = Wording(
        f"{name} asks for access to the portal",
        f"{name} ({registration.email}) of {company or 'no company'} has registered and confirmed"
        " the address.",
        "Decide",
        "Whoever may change contacts can decide.",
    )
    reader = Reader(agency_name(), address, language.ENGLISH)
    _post(wording, reader, "", about=(REGISTRATION, registration.id), path="/registrations")


def post_rejection(registration: Registration, reason: str) -> None:
    """Tell somebody that no account is opened, and why."""
    wording = Wording(
        say("Your registration with %(agency)s", agency=agency_name()),
        say("we could not open an account for you: %(reason)s", reason=mail.one_line(reason)),
        "",
        say("Answer this mail if you think that is wrong."),
    )
    _post(wording, _who(registration), "", about=(REGISTRATION, registration.id))


def _of(contact: Contact, email: str) -> Reader:
    return Reader(contact.name, email, queries.readings_of([contact.id])[contact.id].language)


def _who(registration: Registration) -> Reader:
    code = registration.language or queries.usual_language()
    return Reader(registration.name, registration.email, code)


def agency_name() -> str:
    """The agency's name on one line."""
    return mail.one_line(db.session.scalars(select(Agency.name)).one())


def _agency_email() -> str | None:
    return db.session.scalars(select(Agency.email)).one()


def _post(
    wording: Wording,
    reader: Reader,
    secret: str,
    *,
    about: tuple[str, int],
    foot: str = "",
    path: str = "",
    key: str = "",
) -> None:
    agency, name = agency_name(), mail.one_line(reader.name)
    link = public_url(LINK + secret if secret else path) if secret or path else ""
    word: Literal["ACTION", "Notification"] = "ACTION" if link else "Notification"
    if not key:
        key = (
            sha256(secret.encode()).hexdigest()[:40] if secret else f"{about[0]}:{about[1]}:{path}"
        )
    with language.reading(reader.language):
        said = _told(wording, agency, foot)
        greeting = _("Dear %(name)s,", name=name)
        parts = (greeting, said["why"], link, said["how_long"], said["foot"], agency)
        page = current_app.jinja_env.get_template("mail/access.html").render(
            greeting=greeting, link=link, agency=agency, **said
        )
    letter = mail.Letter(
        word=word,
        subject=said["subject"],
        body="\n\n".join(filter(None, parts)) + "\n",
        html=page,
        recipient=reader.email,
        recipient_name=name,
        headers=mail.headers_of(agency, _agency_email()),
        dedupe_key=f"portal:{key}",
        about=about,
    )
    mail.post([letter])


def _told(wording: Wording, agency: str, foot: str) -> dict[str, str]:
    """The wording in the language that is read, the agency's name filled in."""
    texts = {**asdict(wording), "foot": foot}
    return {
        part: language.told(say(text, agency=agency) if PLACE in text else text)
        for part, text in texts.items()
    }
