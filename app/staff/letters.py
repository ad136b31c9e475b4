"""What staff are mailed about their own sign-in. A mail holds at most one link."""

from dataclasses import dataclass
from hashlib import sha256

from flask import current_app
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.core import clock, formats, language, mail
from app.core.db import db
from app.core.models import Agency
from app.core.public_links import public_url
from app.staff.models import Staff

LINK = "/login/link/"
ABOUT = "user"


@dataclass(frozen=True, slots=True)
class Wording:
    """How a mail with a link reads, {agency} and {email} filled in."""

    subject: str
    why: str
    button: str
    how_long: str
    foot: str = ""


INVITATION = Wording(
    "Join the help desk of {agency}",
    "{agency} invites you to its help desk. You sign in with {email} and a password that you"
    " choose now.",
    "Choose a password",
    "The link works once, within 7 days.",
)
RESET = Wording(
    "Choose a new password for the help desk of {agency}",
    "follow this link to choose a new password. Your old one, if you have one, stays until then.",
    "Choose a new password",
    "It works once, within one hour.",
    "If you did not ask for this, leave it: nothing happens without the link.",
)


def post_invitation(user: User, secret: str, *, invited_by: str) -> None:
    """Invite somebody to choose a password; the mail says who invites."""
    agency = _agency()
    by = f"{mail.one_line(invited_by)} of " if invited_by else ""
    _post_link(user, secret, INVITATION, agency, by=by)


def post_reset(user: User, secret: str) -> None:
    """Mail the link by which somebody chooses a new password."""
    _post_link(user, secret, RESET, _agency())


def post_changed(user: User, what: str, doubt: str) -> None:
    """Tell somebody by mail that they have another password, in case it was not they."""
    said = f"{mail.one_line(what)} on"
    _post_notice(user, "Your password was changed", said, doubt, key="password")


def post_moved(user: User, email: str, *, told_by: str) -> None:
    """Tell somebody at their former address that they sign in with another one from now on."""
    said = f"{mail.one_line(told_by)} changed the address you sign in with to {email} on"
    doubt = "If you know nothing of it,"
    _post_notice(user, "You sign in with another address", said, doubt, key="address")


def _post_notice(user: User, subject: str, said: str, doubt: str, *, key: str) -> None:
    at = clock.now()
    agency = _agency()
    zone = db.session.scalar(select(Staff.zone).where(Staff.user_id == user.id)) or agency.zone
    text = (
        f"Dear {_name(user)},\n\n"
        f"{said} {formats.instant(at, zone)} ({zone}), for {public_url('/')}."
        f" All your sign-ins before then ended.\n\n{doubt} tell an admin at once.\n"
    )
    letter = mail.Letter(
        word="Notification",
        subject=subject,
        body=text,
        recipient=user.email,
        recipient_name=_name(user),
        dedupe_key=f"{key}:{user.id}:{at.isoformat()}",
        headers=mail.headers_of(agency.name, agency.email),
    )
    mail.post([letter])


def _post_link(user: User, secret: str, wording: Wording, agency: Agency, *, by: str = "") -> None:
    name = mail.one_line(agency.name)
    link, greeting = public_url(LINK + secret), f"Dear {_name(user)},"
    said = {
        part: getattr(wording, part).format(agency=name, email=user.email)
        for part in Wording.__dataclass_fields__
    }
    said["why"] = by + said["why"]
    parts = (greeting, said["why"], link, said["how_long"], said["foot"], name)
    with language.reading(language.ENGLISH):
        page = current_app.jinja_env.get_template("mail/access.html").render(
            greeting=greeting, link=link, agency=name, **said
        )
    letter = mail.Letter(
        word="ACTION",
        subject=said["subject"],
        body="\n\n".join(filter(None, parts)) + "\n",
        html=page,
        recipient=user.email,
        recipient_name=_name(user),
        headers=mail.headers_of(name, agency.email),
        dedupe_key=f"staff:{sha256(secret.encode()).hexdigest()[:40]}",
        about=(ABOUT, user.id),
    )
    mail.post([letter])


def _agency() -> Agency:
    return db.session.scalars(select(Agency)).one()


def _name(user: User) -> str:
    return mail.one_line(user.get_full_name())
