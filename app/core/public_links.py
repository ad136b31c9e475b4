"""Addresses for mails: always below PUBLIC_URL, whatever host a request claims to be for."""

import re

from flask import current_app

SLASH = "(?:/|%2F|%252F|_)"
"""As it stands in an address, and where mail programs have put our address into one of theirs."""
SECRET = re.compile(
    rf"({SLASH}(?:portal{SLASH}(?:link|action)|login{SLASH}link){SLASH})[\w-]+", re.IGNORECASE
)


def public_url(path: str) -> str:
    """The whole address of a path of ours, `/portal/` becoming `https://desk.example.com/portal/`."""
    base: str = current_app.extensions["settings"].public_url
    return base.rstrip("/") + path


def masked(text: str) -> str:
    """A text without the secrets of our links: whoever reads it must not act by them."""
    return SECRET.sub(r"\1…", text)
