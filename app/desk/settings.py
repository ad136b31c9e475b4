"""Who the agency is and how it works, for admins."""

from typing import Any

from flask import Blueprint, abort, render_template, request, send_file, url_for

from app.billing.agency import the_agency
from app.core import forms, storage
from app.core.acting import current_actor
from app.core.db import db
from app.core.errors import RuleError
from app.core.models import StoredFile
from app.core.security import may, requires
from app.desk import agency_form
from app.desk.posting import Outcome, carry_out

DRAWING_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
)

blueprint = Blueprint("settings", __name__, url_prefix="/settings")


@blueprint.get("/agency")
@requires("see", "Settings")
def agency() -> str:
    """Show who the agency is, as a form."""
    return _form([])


@blueprint.post("/agency")
@requires("edit", "Settings")
def change_agency() -> Any:
    """Save who the agency is; issued documents keep what they say."""

    def action() -> Outcome:
        agency_form.save(current_actor())
        return url_for("settings.agency"), "Saved. Issued documents keep what they say."

    def again(error: RuleError) -> tuple[str, int]:
        return _form(agency_form.told(error)), 400

    return carry_out(action, back=url_for("settings.agency"), again=again)


@blueprint.get("/logo")
@requires("see", "Settings")
def logo() -> Any:
    """Send the agency's logo; a drawing opened by itself runs nothing and loads nothing."""
    stored = db.session.get(StoredFile, the_agency().logo_id or 0) or abort(404)
    response = send_file(
        storage.path_of(stored.sha256), mimetype=stored.media_type, max_age=0, etag=stored.sha256
    )
    response.headers["Content-Security-Policy"] = DRAWING_POLICY
    return response


def _form(problems: list[tuple[str, str]]) -> str:
    return render_template(
        "desk/setup/agency.html",
        problems=problems,
        beside=agency_form.beside(problems),
        shown=agency_form.shown(),
        logo=the_agency().logo_id,
        may_edit=may("edit", "Settings"),
        nonce=request.form.get(forms.FIELD) or forms.new_nonce(),
        **agency_form.choices(),
    )
