"""Staff look at the portal as a contact sees it: pages only, nothing is sent, done or signed."""

from datetime import timedelta
from typing import Any

from flask import Flask, abort, redirect, render_template, request, session, url_for

from app.companies import viewing
from app.companies.account_models import PortalViewing
from app.core import clock
from app.core.posting import unit_of_work
from app.core.sessions import VIEWING, is_portal
from app.portal import blueprint, client

READING = frozenset({"GET", "HEAD", "OPTIONS"})
END = "portal.end_viewing"
# Pages that show what is of the contact alone, such as a new secret of an authenticator app.
CLOSED = frozenset({"portal.code_setup"})


def init_app(app: Flask) -> None:
    """Guard every page of the portal; templates learn of a viewing by `portal_viewing()`."""
    app.before_request(guard)
    app.jinja_env.globals.update(portal_viewing=current, minutes_left=minutes_left)


def current() -> PortalViewing | None:
    """The viewing of this request, if staff look here as a contact."""
    found = client.current_or_none()
    return found.viewing if found else None


def minutes_left(looking: PortalViewing) -> int:
    """Whole minutes until a viewing ends by itself, the last one counted whole."""
    return max(-((clock.now() - looking.until) // timedelta(minutes=1)), 1)


def guard() -> Any:
    """Refuse all but reading a contact's pages, before any view is asked."""
    if not is_portal(request) or VIEWING not in session or request.endpoint == END:
        return None
    if current() is None:
        client.end_session()
        return render_template("portal/viewing_over.html"), 403
    endpoint = request.endpoint or blueprint.name + "."
    is_open = endpoint.startswith(f"{blueprint.name}.") and endpoint not in CLOSED
    if request.method not in READING or not is_open:
        return refused()
    viewing.only_read()
    return None


def refused() -> Any:
    """Say that nothing was done, and why."""
    return render_template("portal/viewing_refused.html", is_sent=request.method == "POST"), 403


@blueprint.post("/viewing/end")
def end_viewing() -> Any:
    """Stop looking; the desk goes on with the contact."""
    if VIEWING not in session:
        abort(404)
    seen = current()
    contact_id = seen.contact_id if seen else None
    if seen is not None:
        with unit_of_work():
            viewing.end(seen)
    client.end_session()
    if contact_id is None:
        return redirect(url_for("desk.home"))
    return redirect(url_for("ContactView.show", pk=contact_id, _anchor="portal"))
