"""`flask users`: who of the staff signs in."""

import sys

import click

from app.cli.base import ACTOR, Answer, DeskGroup
from app.core.db import db, unit_of_work
from app.staff import account_queries
from app.staff.accounts import create_user

COMMAND = DeskGroup("users", help="Sign-ins of the staff.")


@COMMAND.command("create")
@click.argument("email")
@click.option("--role", "roles", multiple=True, required=True, help="May be given several times.")
@click.option("--name", default="", help="The person's full name.")
def create(email: str, roles: tuple[str, ...], name: str) -> Answer:
    """Let EMAIL sign in. The password is read from standard input, else made and printed once."""
    password = _password_given()
    with unit_of_work():
        made = create_user(
            actor=ACTOR, email=email, roles=list(roles), name=name, password=password
        )
    answer: Answer = {"user": made.user_id, "email": email.strip().lower(), "roles": list(roles)}
    if made.password is not None:
        answer["password"] = made.password
    return answer


@COMMAND.command("list")
def list_users() -> Answer:
    """List who signs in, and with which roles."""
    rows = db.session.execute(account_queries.users()).unique()
    return {
        "users": [
            {
                "user": user.id,
                "email": user.email,
                "name": user.get_full_name().strip(),
                "roles": sorted(role.name for role in user.roles),
                "active": user.active,
                "invited": user.password is None,
            }
            for user, _invited_at, _ends_at in rows
        ]
    }


def _password_given() -> str | None:
    """Read the password from a pipe or file; at a terminal nobody has given one."""
    if sys.stdin is None or sys.stdin.isatty():
        return None
    return sys.stdin.readline().rstrip("\r\n") or None
