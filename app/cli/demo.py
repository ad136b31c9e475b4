"""`flask demo`: a believable agency to look around in, and taking it out again."""

from datetime import datetime, timedelta
from typing import Any

import click
from flask import current_app

from app.cli.base import INSTALLATION, Answer, DeskGroup, carry_out, progress, wait_option
from seeds import clearing

COMMAND = DeskGroup("demo", help="Load the demo agency, or remove it.")


@COMMAND.command("load")
@click.option(
    "--until",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    help="The day on which the demo is looked at; today when not given.",
)
@wait_option
def load(until: datetime | None, wait: bool) -> Answer:
    """Load 60 companies with a year of tickets, time and invoices; safe to repeat."""
    last_day = until.date() - timedelta(days=1) if until else None
    job_id = clearing.begin(current_app.extensions[INSTALLATION], last_day)
    if wait:  # else `run.py` says so, once it answers
        progress("Sign in as manager, billing, agent or admin, each with the password demo;")
        progress("as a client at /portal/: client@fjord-dental.example, password demo too.")
    return carry_out(job_id, wait=wait)


@COMMAND.command("clear")
def clear() -> dict[str, Any]:
    """Remove the demo data and nothing else."""
    return {"removed": clearing.clear()}
