"""The pages of clients, under /portal/: a kind of user, of session and of shell of their own.

`door` holds the pages before one is in; whatever stands on `blueprint` is for signed-in contacts
only. Rows come through `scoped` queries with the viewer; nothing here touches the session.
"""

from http import HTTPStatus
from importlib import import_module

from flask import Blueprint, Flask
from flask_limiter import Limiter

blueprint = Blueprint("portal", __name__, url_prefix="/portal")
door = Blueprint("door", __name__, url_prefix="/portal")

# Modules with routes on one of the blueprints above.
PAGES = (
    "signin",
    "code",
    "links",
    "register",
    "actions",
    "papers",
    "home",
    "requests",
    "requests_new",
    "logins",
    "profile",
    "viewing",
)
DOOR_RATE = "10 per minute"


def init_app(app: Flask, limiter: Limiter) -> None:
    """Register the pages; what is sent at the door is limited by address, unless it leads on.

    Who signs in well is sent on and does not count: a client's office shares one address.
    """
    from app.estimates.rules import REASONS
    from app.portal import client, tabs, viewing

    for name in PAGES:
        import_module(f"app.portal.{name}")
    limiter.limit(
        DOOR_RATE,
        methods=["POST"],
        deduct_when=lambda answer: answer.status_code != HTTPStatus.FOUND,
    )(door)
    app.jinja_env.globals.update(
        portal_tabs=tabs.shown,
        portal_agency=client.agency_name,
        portal_person=client.person_id,
        portal_zone=client.zone,
        refusal_reasons=REASONS,
    )
    viewing.init_app(app)
    app.register_blueprint(door)
    app.register_blueprint(blueprint)
