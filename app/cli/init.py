"""`flask init`: bring an empty or older database to this version."""

import click
from flask import current_app

from app.cli.base import INSTALLATION, Answer, DeskCommand, progress
from app.core.db import db
from app.core.errors import RuleError
from app.installation import head, initialise, is_current
from seeds import clearing


@click.command("init", cls=DeskCommand, needs="database")
@click.option("--demo", is_flag=True, help="Let a worker load the demo, where nobody works yet.")
def COMMAND(demo: bool) -> Answer:  # noqa: N802 - the name by which `attach` finds it
    """Migrate, and write roles, permissions and the agency. Safe to repeat and to race."""
    before = is_current(db.engine)
    initialise()
    answer: Answer = {"revision": head(), "migrated": not before}
    return answer | {"demo": _begin_demo()} if demo else answer


def _begin_demo() -> bool:
    """Whether the demo is there or on its way; a refusal is told, and stops nothing."""
    try:
        clearing.begin(current_app.extensions[INSTALLATION])
    except RuleError as error:
        for problem in error.problems:
            progress(problem)
        return False
    return True
