"""Who acts in this request, for commands that are called from a page."""

from app.core.audit import Actor
from app.core.logs import request_id
from app.core.security import signed_in


def current_actor(channel: str = "web") -> Actor:
    """The signed-in user as an actor; raises `RuntimeError` when nobody is signed in."""
    user = signed_in()
    if user is None:
        raise RuntimeError("nobody is signed in")
    name = user.get_full_name().strip() or user.username
    return Actor(user_id=user.id, name=name, channel=channel, request_id=request_id())
