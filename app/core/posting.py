"""How a page carries out what a person sent: once and whole, or not at all.

Pages take `unit_of_work` and `with_retry` from here; the session beneath it is not for them.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from flask import flash, redirect, request
from werkzeug.wrappers import Response

from app.core import forms
from app.core.db import unit_of_work, with_retry
from app.core.errors import NotFoundError, RuleError
from app.core.language import told

__all__ = ["Outcome", "carry_out", "mark", "refused", "taken", "unit_of_work", "with_retry"]

Outcome = tuple[str, str]
TAKEN = "sent"
ENOUGH_OF_NONCE = 12


def carry_out(
    action: Callable[[], Outcome],
    *,
    person: int,
    back: str,
    again: Callable[[RuleError], Any] | None = None,
) -> Any:
    """Run `action` in one unit of work under the form's nonce, then go where it leads.

    `action` returns an address and what to tell the person; it is run again after a deadlock, as
    nothing of the first time is left. A second submit of the same form does
    nothing and goes where the first one led. A refusal leaves nothing behind: the form is shown
    `again` with what was typed, else every reason is told on the page `back`. `person` is a user's
    id; contacts count below zero, so that nobody meets a form of the other kind.
    """
    nonce = request.form.get(forms.FIELD, "")

    def once() -> Outcome:
        with unit_of_work():
            location = forms.claim(nonce, user_id=person)
            if location is not None:
                return location, ""
            location, said = action()
            forms.settle(nonce, location)
            return location, said

    try:
        location, said = with_retry(once)
    except NotFoundError:
        raise
    except RuleError as error:
        if again is not None:
            return again(error)
        return refused(error, back=back)
    if said:
        flash(told(said), "success")
    return redirect(location)


def refused(error: RuleError, *, back: str) -> Response:
    """Tell every reason on another page."""
    for problem in error.problems:
        flash(told(problem), "danger")
    return redirect(back)


def taken(address: str) -> str:
    """The address, telling the browser that this form is taken: only then it drops its draft."""
    marked = urlencode({TAKEN: mark()})
    parts = urlsplit(address)
    query = f"{parts.query}&{marked}" if parts.query else marked
    return urlunsplit(parts._replace(query=query))


def mark() -> str:
    """By which a browser knows this form among those whose text it keeps."""
    return request.form.get(forms.FIELD, "")[:ENOUGH_OF_NONCE]
