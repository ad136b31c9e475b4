"""Mailing links to clients: by jobs, so that no answer's time tells who is known; and viewings."""

from app.companies import accounts, profile, registrations, viewing
from app.core.jobs import Running, handler


@handler(accounts.LINK_JOB)
def link(running: Running) -> None:
    """Mail a link to sign in or to choose a new password."""
    asked = running.payload
    with running.step():
        accounts.mail_link(asked["email"], asked["purpose"], target=asked["target"])


@handler(registrations.JOB)
def register(running: Running) -> None:
    """Mail the link that confirms a registration."""
    with running.step():
        registrations.answer(running.payload["registration"])


@handler("portal.end_viewings", routine=True)
def end_viewings(running: Running) -> dict[str, int]:
    """End what staff looked at as contacts for long enough."""
    with running.step():
        return {"ended": viewing.end_overdue()}


@handler(profile.JOB)
def address(running: Running) -> None:
    """Mail the link that confirms a new address."""
    with running.step():
        profile.mail_link(running.payload["contact"], running.payload["email"])
