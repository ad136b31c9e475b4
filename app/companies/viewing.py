"""Looking at the portal as a contact sees it: begun by staff, read-only, over by itself.

Who looks stays a member of staff: each page asks anew for their session of the desk, their
permission and the contact's access, and its transaction can change nothing.
"""

from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, text

from app.companies import accounts
from app.companies.account_models import PortalViewing
from app.companies.models import Contact
from app.core import clock
from app.core.audit import Actor, record
from app.core.credentials import EPOCH, FIRST_EPOCH, user_of_session
from app.core.db import db
from app.core.errors import RuleError
from app.core.security import PREFIX, permissions_of
from app.core.sessions import LONGEST_VIEWING

VERB, RESOURCE = "view_as", "Contacts"
BY_PERSON, BY_SIGN_OUT, BY_ANOTHER, BY_TIME = "ended", "signed out", "another", "time"
Seen = tuple[PortalViewing, accounts.Opened]


def begin(actor: Actor, contact: Contact) -> PortalViewing:
    """Begin to look as a contact; whatever else this person looks at ends.

    Raises `RuleError` for a contact who could not sign in either.
    """
    if actor.user_id is None:
        raise RuleError("Only a member of staff can look at the portal as a contact.")
    if contact.archived_at is not None:
        raise RuleError(f"{contact.name} is archived and sees nothing: restore the contact first.")
    account = accounts.account_of(contact.id)
    if account is None:
        raise RuleError(f"{contact.name} has no access to the portal: invite the contact first.")
    if account.closed_at is not None:
        raise RuleError(f"The access of {contact.name} was taken away: invite the contact again.")
    # two presses at once come one after the other, and the second ends what the first began
    db.session.execute(select(User.id).where(User.id == actor.user_id).with_for_update())
    end_of(actor.user_id, how=BY_ANOTHER)
    begun = PortalViewing(
        user_id=actor.user_id,
        viewer_name=actor.name[:200],
        contact_id=contact.id,
        until=clock.now() + LONGEST_VIEWING,
    )
    db.session.add(begun)
    db.session.flush()
    after = {"viewing": begun.id, "until": begun.until.isoformat()}
    record(actor, "portal.view", kind="contact", id=contact.id, after=after)
    return begun


def seen_by(viewing_id: Any, desk: Any) -> Seen | None:
    """What a viewing shows: itself, and the contact's open account; None once it is over.

    `desk` is the session of the desk in the same browser: without it there is nothing to see.
    """
    user_id = str(desk.get("_user_id", ""))
    if not isinstance(viewing_id, int) or not user_id.isdecimal():
        return None
    user = user_of_session(int(user_id), desk.get(EPOCH, FIRST_EPOCH))
    if user is None or (PREFIX + VERB, RESOURCE) not in permissions_of(user.id):
        return None
    found = db.session.scalar(
        select(PortalViewing).where(
            PortalViewing.id == viewing_id,
            PortalViewing.user_id == user.id,
            PortalViewing.ended == "",
            PortalViewing.until > clock.now(),
        )
    )
    opened = accounts.open_account(found.contact_id) if found else None
    return (found, opened) if found and opened else None


def only_read() -> None:
    """From here on the present transaction can change nothing: the database refuses."""
    db.session.execute(text("set transaction read only"))


def end(viewing: PortalViewing, *, how: str = BY_PERSON) -> None:
    """End a viewing, with its line in the audit log."""
    viewing.ended_at, viewing.ended = clock.now(), how
    actor = Actor(
        user_id=viewing.user_id,
        name=viewing.viewer_name,
        channel="job" if how == BY_TIME else "web",
    )
    after = {"viewing": viewing.id, "how": how}
    record(actor, "portal.view_end", kind="contact", id=viewing.contact_id, after=after)


def end_of(user_id: int, *, how: str) -> None:
    """End what a member of staff looks at, if anything."""
    _end_all(how, PortalViewing.user_id == user_id)


def end_overdue() -> int:
    """End what has reached its time; returns how many."""
    return _end_all(BY_TIME, PortalViewing.until <= clock.now())


def _end_all(how: str, condition: Any) -> int:
    found = list(
        db.session.scalars(
            select(PortalViewing).where(PortalViewing.ended == "", condition).with_for_update()
        )
    )
    for viewing in found:
        end(viewing, how=BY_TIME if viewing.until <= clock.now() else how)
    db.session.flush()
    return len(found)
