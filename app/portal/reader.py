"""In which language the pages of this request are told."""

from flask import Flask, request

from app.core import language
from app.core.sessions import is_portal
from app.portal import client


def init_app(app: Flask) -> None:
    """Decide before anything is said."""
    app.before_request(decide)


def decide() -> None:
    """A client reads their language, a visitor the one their browser asks for; staff English."""
    language.read_in(_wanted() if is_portal(request) else language.ENGLISH)


def _wanted() -> str:
    found = client.current_or_none()
    return found.account.language if found else language.best(request.accept_languages)
