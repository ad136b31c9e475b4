"""A form of the desk that came after its session: what was typed is given back, never thrown away.

The browser keeps a draft of the composer as well (`drafts.js`), which is there after signing in.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from flask import Response, make_response, render_template, request, url_for
from flask_login import current_user

from app.core.targets import is_local

LABELS = {"text": "Text", "message": "Message", "subject": "Subject", "time": "Time"}
LABELS |= {"description": "What was done", "reason": "Why not billable"}
NEVER_SHOWN = re.compile(r"^was-|pass|secret|token|nonce|carried")


def written(form: Mapping[str, str]) -> list[tuple[str, str]]:
    """What somebody typed, as (label, text); no secrets, and none of what is chosen or carried."""
    return [
        (LABELS.get(name) or name.replace("_", " ").capitalize(), text)
        for name, text in form.items()
        if not NEVER_SHOWN.search(name)
        and text.strip()
        and (name in LABELS or re.search(r"\s", text.strip()))
    ]


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
    )
    return make_response(shown, 400 if is_in else 401)
