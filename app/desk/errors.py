"""What a person reads when a page cannot be shown: what happened and what to do next."""

import json
import logging
import uuid
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, Response, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    RequestEntityTooLarge,
    SecurityError,
    TooManyRequests,
    Unauthorized,
)

from app.core.db import FULL, db, why_unanswered
from app.core.errors import ForbiddenError, NotFoundError, RuleError, StaleError
from app.core.given_back import beside_files, has_files, written
from app.core.language import gettext as _
from app.core.language import told
from app.core.sessions import is_portal
from app.core.targets import local_or
from app.core.words import say
from app.desk import too_late

log = logging.getLogger(__name__)

API = "/api/"
ON_OUR_SIDE = "Something went wrong on our side. Nothing was half saved. Tell an admin: incident "

TEXTS = {
    400: (
        say("That request could not be read"),
        say("The page may have been open for too long. Go back, reload it and send it again."),
    ),
    403: (
        say("This is not yours to open"),
        say("Your role does not include this page. An admin can change what your role may do."),
    ),
    404: (
        say("There is nothing here"),
        say("The address is wrong, or what it led to has been removed or is not for you to see."),
    ),
    405: (
        say("This address only takes what a form sends"),
        say("Nothing was changed. Go to the start page, open what you were at, and send it again."),
    ),
    409: (
        say("Somebody else saved first"),
        say("Go back and reload the page to see their change, then make yours again."),
    ),
    413: (
        say("That is too large"),
        say(
            "What is sent at once may have 25 MB, all files together. Go back to the page and"
            " choose fewer or smaller files; the others go in a further message."
        ),
    ),
    429: (say("That was too often"), say("Wait a minute, then try again.")),
    500: (
        say("Something went wrong on our side"),
        say("Nothing was half saved. Try again; if it happens again, tell an admin."),
    ),
    503: (
        say("The database does not answer just now"),
        say("What was saved before is safe. Wait a moment, then reload the page."),
    ),
}


AGAIN = (413, 429)
"""What was sent can be sent again from the page that it came from."""

CODES: dict[type[RuleError], int] = {ForbiddenError: 403, StaleError: 409}

TO_CLIENTS = {
    500: say("Nothing was half saved. Try again; if it happens again, write to us."),
}
"""What clients read where the usual text speaks of the agency's own people."""


def _page(
    code: int,
    *,
    detail: str = "",
    incident: str = "",
    written: Sequence[tuple[str, str]] = (),
) -> Response:
    title, text = TEXTS[code]
    if request.path.startswith(API):
        message = detail or (ON_OUR_SIDE + incident if incident else str(title))
        return make_response({"message": message}, code)
    if request.path.startswith("/portal/"):
        text = TO_CLIENTS.get(code, text)
    page = render_template(
        "errors/page.html",
        code=code,
        title=told(title),
        text=detail or told(text),
        incident=incident,
        back=_came_from() if code in AGAIN else "",
        written=written,
        had_files=bool(written) and code not in (404, 413) and has_files(request),
    )
    response = make_response(page, code)
    if request.headers.get("HX-Request"):
        response.headers["X-Problem"] = f"{title}. {' '.join((detail or text).split())}"
    return response


def _came_from() -> str:
    """The page of ours that sent this; empty where the browser does not tell."""
    there = urlsplit(request.referrer or "")
    return local_or(f"{there.path}?{there.query}" if there.query else there.path, "")


def _http_error(error: HTTPException) -> Response | HTTPException:
    code = error.code or 500
    if isinstance(error, SecurityError):  # not one of our hosts: there are no addresses to build
        return error
    if isinstance(error, InternalServerError) and error.original_exception:
        return _page(code, incident=_note(error.original_exception))
    if request.path.startswith(API):
        return _for_programs(error)
    if isinstance(error, CSRFError | Unauthorized) and _is_form_of_desk():
        return too_late.page()
    if code not in TEXTS:
        return error
    response = _page(code, written=_written(error))
    if isinstance(error, MethodNotAllowed):  # RFC 9110, 15.5.6: the answer names what is allowed
        response.allow.update(error.valid_methods or ())
    return response


def _written(error: HTTPException) -> Sequence[tuple[str, str]]:
    """What was typed into a form that is too large, or came too often, to be taken."""
    if isinstance(error, RequestEntityTooLarge):
        return written(beside_files(request))
    return written(request.form) if isinstance(error, TooManyRequests) else ()


def _is_form_of_desk() -> bool:
    """Whether a person of the desk sent a form as a whole, rather than a script a part of one.

    Who is at the entrance has no session that could have ended.
    """
    is_other = "HX-Request" in request.headers or request.blueprint == "entrance"
    return request.method == "POST" and not is_other and not is_portal(request)


def _for_programs(error: HTTPException) -> Response | HTTPException:
    """The same answer, with its headers, in the one shape that the API refuses in."""
    answer = make_response(error.get_response())
    if answer.status_code < HTTPStatus.BAD_REQUEST:
        return error
    answer.set_data(json.dumps({"message": error.description}))
    answer.mimetype = "application/json"
    return answer


def _rule_error(error: RuleError) -> Response:
    if isinstance(error, NotFoundError):
        detail = str(error) if request.path.startswith(API) else ""
        return _page(404, detail=detail, written=written(request.form))
    code = next((code for kind, code in CODES.items() if isinstance(error, kind)), 400)
    return _page(code, detail="\n".join(map(told, error.problems)))


def _value_too_large(error: DataError) -> Response:
    """A value that no column holds, such as a number of thirty digits."""
    log.warning("refused value on %s %s: %s", request.method, request.path, error.orig)
    db.session.rollback()
    return _page(400, detail=_("A number, date or text in it is larger than can be kept."))


def _database_gone(error: OperationalError | PoolTimeoutError) -> Response:
    """A server that restarts, or a pool without a free connection: worth another try soon."""
    log.warning("database not reached on %s %s: %s", request.method, request.path, error)
    db.session.rollback()
    detail = ""
    if isinstance(error, OperationalError) and getattr(error.orig, "sqlstate", "") in FULL:
        detail = why_unanswered(error)
    response = _page(503, detail=detail)
    response.headers["Retry-After"] = "5"
    return response


def _note(error: BaseException) -> str:
    """Log what nobody expected under a number that the person sees too."""
    incident = uuid.uuid4().hex[:8]
    log.error("incident %s on %s %s", incident, request.method, request.path, exc_info=error)
    return incident


def init_app(app: Flask) -> None:
    """Show errors as pages of the plain shell; the API keeps its own answers."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(RuleError, _rule_error)
    app.register_error_handler(DataError, _value_too_large)
    app.register_error_handler(OperationalError, _database_gone)
    app.register_error_handler(PoolTimeoutError, _database_gone)
