"""In which language the pages of this request are told."""

from flask import Flask, request

from app.companies import queries
from app.core import language
from app.core.sessions import is_portal
from app.portal import client


def init_app(app: Flask) -> None:
    """Decide before anything is said."""
    app.before_request(decide)


def decide() -> None:
    """A client reads their language, a visitor what their browser asks for; staff English.

    A browser that asks for none of ours gets the usual language of the agency's clients.
    """
    language.read_in(_wanted() if is_portal(request) else language.ENGLISH)


def _wanted() -> str:
    found = client.current_or_none()
    if found:
        return found.language
    return language.best(request.accept_languages) or queries.usual_language()


def follow(contact_id: int | None) -> None:
    """Tell the page of a mailed link in the language of whom it was mailed to, where it is known.

    So it goes on as the mail began, whatever the browser asks for.
    """
    known = queries.language_of(contact_id) if contact_id else None
    if known:
        language.read_in(known)
