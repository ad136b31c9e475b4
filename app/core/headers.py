"""Headers of every answer: a content policy with a nonce of its own, no framing, no sniffing.

What is no page, such as a file that somebody uploaded, runs and loads nothing by itself.
A page is never kept by a cache, so that nobody finds somebody else's; a forged X-Forwarded-For
reaches neither the logs nor the rate limits, because only configured proxies are believed.
"""

import secrets

from flask import Flask, Response, g, request, session
from werkzeug.middleware.proxy_fix import ProxyFix

from app.core.sessions import SESSIONS, idle_seconds, is_portal, is_public_file, is_somebody
from config import Settings

YEAR = 31_536_000
# Pages, and papers of our own: a browser's reader of PDF does not open in a sandbox.
PAGES = ("text/html", "application/pdf")
FILE_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
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


def init_app(app: Flask, settings: Settings) -> None:
    """Send the headers, believe the configured proxies, and give templates `csp_nonce()`.

    It is a global rather than a context variable, because imported macros see no context.
    """
    app.jinja_env.globals.update(csp_nonce=csp_nonce, idle_seconds=idle_seconds)
    app.session_interface = SESSIONS
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )

    def harden(response: Response) -> Response:
        headers = response.headers
        policy = content_policy() if response.mimetype in PAGES else FILE_POLICY
        headers.setdefault("Content-Security-Policy", policy)
        for name, value in FIXED.items():
            headers.setdefault(name, value)
        if settings.hardened:
            headers["Strict-Transport-Security"] = f"max-age={YEAR}; includeSubDomains"
        if is_public_file(request):
            return response
        if is_somebody(session):
            headers["Cache-Control"] = "no-store"
        else:
            headers.setdefault("Cache-Control", "no-store")
        response.vary.add("Cookie")
        return response

    app.after_request(harden)
