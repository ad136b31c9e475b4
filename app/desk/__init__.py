"""Staff pages that join domains."""

from flask import Blueprint, Flask

blueprint = Blueprint("desk", __name__)


def init_app(app: Flask) -> None:
    """Register the pages of the desk, its menu and its error pages."""
    from app.desk import errors, mail, shell, styleguide

    shell.init_app(app)
    errors.init_app(app)
    app.register_blueprint(styleguide.blueprint)
    app.register_blueprint(mail.blueprint)
    app.register_blueprint(blueprint)
