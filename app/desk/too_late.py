"""A form of the desk that came after its session: what was typed is given back.

The browser keeps a draft of the composer as well (`drafts.js`), which is there after signing in.
"""

from urllib.parse import urlsplit

from flask import Response, make_response, render_template, request, url_for
from flask_login import current_user

from app.core.given_back import has_files, written
from app.core.targets import is_local


def page() -> Response:
    """What was written, and the way to sign in and go on where it was written."""
    there = urlsplit(request.referrer or "")
    target = f"{there.path}?{there.query}" if there.query else there.path
    if not is_local(target):
        target = url_for("desk.home")
    is_in = current_user.is_authenticated
    shown = render_template(
        "desk/too_late.html",
        is_in=is_in,
        target=target if is_in else url_for("AuthDBView.login", next=target),
        written=written(request.form),
        had_files=has_files(request),
    )
    return make_response(shown, 400 if is_in else 401)
