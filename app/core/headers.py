"""Headers of every answer: a content policy with a nonce of its own, no framing, no sniffing.

A page is never kept by a cache, so that nobody finds somebody else's; a forged X-Forwarded-For
reaches neither the logs nor the rate limits, because only configured proxies are believed.
"""

import secrets
from datetime import datetime, timedelta

from flask import Flask, Request, Response, g, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadSignature
from werkzeug.middleware.proxy_fix import ProxyFix

from app.core import clock
from config import Settings

PORTAL = "/portal/"
PORTAL_IDLE = timedelta(hours=8)
# Files that are the same for everybody; they carry no session and may be kept.
PUBLIC_FILES = ("/static/", "/assets/")
YEAR = 31_536_000
UNUSED_FEATURES = ("camera", "geolocation", "microphone", "payment", "usb", "browsing-topics")
FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED_FEATURES),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def csp_nonce() -> str:
    """Return the nonce of this request, which every script element must carry."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def content_policy() -> str:
    """What a page of ours may load and do."""
    # charts and generated forms of the desk write style attributes
    styles = "'self'" if is_portal(request) else "'self' 'unsafe-inline'"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'nonce-{csp_nonce()}'",
            f"style-src {styles}",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "frame-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def is_public_file(asked: Request) -> bool:
    """Whether the request is for a front-end file rather than a page."""
    return asked.path.startswith(PUBLIC_FILES)


def is_portal(asked: Request) -> bool:
    """Whether the request is for a page of clients, who are another kind of user than staff."""
    return asked.path.startswith(PORTAL)


class PortalSessions(SecureCookieSessionInterface):
    """Sessions of clients: a cookie of its own name, path and signature, which ends after 8 h idle.

    A client's cookie is therefore never sent to a staff page, and means nothing there; and a staff
    cookie means nothing here.
    """

    salt = "portal-session"

    def get_cookie_name(self, app: Flask) -> str:
        return "portal"

    def get_cookie_path(self, app: Flask) -> str:
        return PORTAL

    def get_expiration_time(self, app: Flask, session: SessionMixin) -> datetime | None:
        return clock.now() + PORTAL_IDLE if session.permanent else None

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        signer = self.get_signing_serializer(app)
        cookie = request.cookies.get(self.get_cookie_name(app))
        if signer is None or not cookie:
            return self.session_class()
        try:
            return self.session_class(
                signer.loads(cookie, max_age=int(PORTAL_IDLE.total_seconds()))
            )
        except BadSignature:
            return self.session_class()


class PageSessions(SecureCookieSessionInterface):
    """Signed cookie sessions, on pages only: a kept file must never carry somebody's cookie."""

    portal = PortalSessions()

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if is_public_file(request):
            return SecureCookieSession()
        if is_portal(request):
            return self.portal.open_session(app, request)
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if is_public_file(request):
            return
        if is_portal(request):
            self.portal.save_session(app, session, response)
        else:
            super().save_session(app, session, response)


def init_app(app: Flask, settings: Settings) -> None:
    """Send the headers, believe the configured proxies, and give templates `csp_nonce()`.

    It is a global rather than a context variable, because imported macros see no context.
    """
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    app.session_interface = PageSessions()
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )

    def harden(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", content_policy())
        for name, value in FIXED.items():
            headers.setdefault(name, value)
        if settings.hardened:
            headers["Strict-Transport-Security"] = f"max-age={YEAR}; includeSubDomains"
        if is_public_file(request):
            return response
        if session.get("_user_id") or session.get("contact"):
            headers["Cache-Control"] = "no-store"
        else:
            headers.setdefault("Cache-Control", "no-store")
        response.vary.add("Cookie")
        return response

    app.after_request(harden)
