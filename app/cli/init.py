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


def _begin_demo() -> str:
    """How far the demo is, loading or loaded; empty where it is refused: told, it stops nothing."""
    try:
        job = clearing.begin(current_app.extensions[INSTALLATION])
    except RuleError as error:
        for problem in error.problems:
            progress(problem)
        return ""
    return "loaded" if clearing.is_done(job) else "loading"
