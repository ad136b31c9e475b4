"""Who a browser is, in signed cookies: one for staff, one for clients, one for looking as a client.

Each has a name, a path and a signature of its own, so none means anything in another's place.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from time import time
from typing import Any

from flask import Flask, Request, Response, current_app, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadSignature

from app.core import clock

PORTAL = "/portal/"
PORTAL_IDLE = timedelta(hours=8)
VIEWING = "viewing"
UNTOUCHED = "session_untouched"
LONGEST_VIEWING = timedelta(minutes=30)
# Files that are the same for everybody; they carry no session and may be kept.
PUBLIC_FILES = ("/static/", "/assets/")


def is_public_file(asked: Request) -> bool:
    """Whether the request is for a front-end file rather than a page."""
    return asked.path.startswith(PUBLIC_FILES)


def is_portal(asked: Request) -> bool:
    """Whether the request is for a page of clients, who are another kind of user than staff."""
    return asked.path.startswith(PORTAL)


def is_somebody(session: Mapping[str, Any]) -> bool:
    """Whether a session is of a person, staff or client, rather than of an anonymous browser."""
    return any(session.get(key) for key in ("_user_id", "contact", VIEWING))


class PortalSessions(SecureCookieSessionInterface):
    """Sessions of clients: a cookie of its own name, path and signature, which ends after 8 h idle.

    A client's cookie is therefore never sent to a staff page, and means nothing there; and a staff
    cookie means nothing here.
    """

    salt = "portal-session"
    name = "portal"
    idle = PORTAL_IDLE

    def get_cookie_name(self, app: Flask) -> str:
        return self.name

    def get_cookie_path(self, app: Flask) -> str:
        return PORTAL

    def get_expiration_time(self, app: Flask, session: SessionMixin) -> datetime | None:
        return clock.now() + self.idle if session.permanent else None

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        signer = self.get_signing_serializer(app)
        cookie = request.cookies.get(self.get_cookie_name(app))
        if signer is None or not cookie:
            return self.session_class()
        try:
            return self.session_class(signer.loads(cookie, max_age=int(self.idle.total_seconds())))
        except BadSignature:
            return self.session_class()


class ViewingSession(SecureCookieSession):
    """The session of staff who look at the portal as a client: never that of a client."""


class ViewingSessions(PortalSessions):
    """Sessions of staff who look as a client; a client's own in the same browser is untouched."""

    salt = "viewing-session"
    name = VIEWING
    idle = LONGEST_VIEWING
    session_class = ViewingSession


class PageSessions(SecureCookieSessionInterface):
    """Signed cookie sessions, on pages only: a kept file must never carry somebody's cookie."""

    portal = PortalSessions()
    viewing = ViewingSessions()

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if is_public_file(request):
            return SecureCookieSession()
        if not is_portal(request):
            return super().open_session(app, request)
        looking = self.viewing.open_session(app, request)
        return looking or self.portal.open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if is_public_file(request) or g.get(UNTOUCHED):
            return
        if isinstance(session, ViewingSession):
            self.viewing.save_session(app, session, response)
        elif is_portal(request):
            self.portal.save_session(app, session, response)
        else:
            super().save_session(app, session, response)

    def desk_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of staff in this browser, read on any page."""
        return super().open_session(app, request)


SESSIONS = PageSessions()


def leave_untouched() -> None:
    """Answer without the session: what a page asks by itself keeps nobody signed in."""
    setattr(g, UNTOUCHED, True)


def idle_seconds() -> int:
    """How long a session lasts when nothing more is asked."""
    idle = PORTAL_IDLE if is_portal(request) else current_app.permanent_session_lifetime
    return int(idle.total_seconds())


def alive() -> dict[str, int]:
    """How many seconds the session of this browser still lasts; asked to `stay`, it begins anew."""
    if "stay" in request.args:
        return {"left": idle_seconds()}
    leave_untouched()
    sessions = SESSIONS.portal if is_portal(request) else SESSIONS
    signer = sessions.get_signing_serializer(current_app)
    cookie = request.cookies.get(sessions.get_cookie_name(current_app))
    if signer is None or not cookie:
        return {"left": 0}
    _, written = signer.loads(cookie, return_timestamp=True)
    return {"left": max(0, int(written.timestamp() + idle_seconds() - time()))}


def desk_session() -> Mapping[str, Any]:
    """The session of staff in this browser, on a page of the portal: to be read only."""
    return SESSIONS.desk_session(current_app, request) or {}


def send_viewing(response: Response, viewing_id: int) -> Response:
    """Give the browser the cookie of a viewing that began, with an answer of the desk."""
    looking = ViewingSession({VIEWING: viewing_id})
    looking.permanent = looking.modified = True
    SESSIONS.viewing.save_session(current_app, looking, response)
    return response
