"""Looking at the portal as a contact sees it, from the contact's page."""

from typing import Any

from flask import Blueprint, Flask, make_response, redirect, url_for
from flask_login import user_logged_out
from werkzeug.wrappers import Response

from app.companies import people, viewing
from app.core.acting import current_actor
from app.core.db import unit_of_work, with_retry
from app.core.errors import RuleError
from app.core.security import requires
from app.core.sessions import send_viewing
from app.desk.posting import refused

blueprint = Blueprint("viewing", __name__)


@blueprint.post("/contacts/<int:pk>/view-as")
@requires("view_as", "Contacts")
def begin(pk: int) -> Response:
    """Open the portal as this contact sees it, to look only."""

    def look() -> int:
        with unit_of_work():
            return viewing.begin(current_actor(), people.contact_of(pk)).id

    try:
        begun = with_retry(look)
    except RuleError as error:
        return refused(error, back=url_for("ContactView.show", pk=pk, _anchor="portal"))
    return send_viewing(make_response(redirect(url_for("portal.home"))), begun)


@user_logged_out.connect
def end_with_the_session(_app: Flask, user: Any, **_: Any) -> None:
    """Who signs out of the desk looks no longer."""
    if user.is_authenticated:
        with unit_of_work():
            viewing.end_of(user.id, how=viewing.BY_SIGN_OUT)
