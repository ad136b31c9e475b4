"""Who acts in this request, for commands that are called from a page."""

from flask import g
from flask_login import current_user

from app.core.audit import Actor


def current_actor(channel: str = "web") -> Actor:
    """The signed-in user as an actor; raises `RuntimeError` when nobody is signed in."""
    if not current_user.is_authenticated:
        raise RuntimeError("nobody is signed in")
    name = current_user.get_full_name().strip() or current_user.username
    return Actor(
        user_id=current_user.id, name=name, channel=channel, request_id=g.get("request_id")
    )
