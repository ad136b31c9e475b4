"""Addresses for mails: always below PUBLIC_URL, whatever host a request claims to be for."""

from flask import current_app


def public_url(path: str) -> str:
    """The whole address of a path of ours, `/portal/` becoming `https://desk.example.com/portal/`."""
    base: str = current_app.extensions["settings"].public_url
    return base.rstrip("/") + path
