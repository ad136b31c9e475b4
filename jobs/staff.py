"""Mailing links to staff: by a job, so that no answer's time tells who is known."""

from app.core.jobs import Running, handler
from app.staff import invitations


@handler(invitations.LINK_JOB)
def link(running: Running) -> None:
    """Mail the link to choose a new password."""
    with running.step():
        invitations.mail_link(running.payload["email"])
