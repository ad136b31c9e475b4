"""Who acts and who looks in this request, for commands and queries that are called from a page."""

from app.core.access import Viewer
from app.core.audit import Actor
from app.core.logs import request_id
from app.core.security import permissions_of, signed_in


def current_actor(channel: str = "web") -> Actor:
    """The signed-in user as an actor; raises `RuntimeError` when nobody is signed in."""
    user = signed_in()
    if user is None:
        raise RuntimeError("nobody is signed in")
    name = user.get_full_name().strip() or user.username
    return Actor(user_id=user.id, name=name, channel=channel, request_id=request_id())


def current_viewer() -> Viewer:
    """The signed-in user as a viewer for `scoped`; a viewer of nothing when anonymous."""
    user = signed_in()
    if user is None:
        return Viewer(kind="anonymous", id=0)
    return Viewer(kind="staff", id=user.id, permissions=permissions_of(user.id))
