"""`flask time`: bring worked time in, approve it, write it out."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from app.cli.base import Answer, DeskGroup, settle_prices
from app.cli.exports import file_option, write
from app.cli.imports import ACTOR, import_file, import_options
from app.companies import lookup
from app.core.db import unit_of_work
from app.timelog import approval, exports

COMMAND = DeskGroup("time", help="Worked time: import, approve, export.")


@COMMAND.command("import")
@import_options
@click.option("--billable", type=click.Choice(["yes", "no"]), help="Whatever the file says.")
@click.option("--state", type=click.Choice(["approved", "submitted"]), default="approved")
def import_(billable: str | None, **chosen: Any) -> Answer:
    """Bring in worked time from a delimited FILE; rows brought in before are known again."""
    return import_file("time", billable=billable == "yes" if billable else None, **chosen)


@COMMAND.command("approve")
@click.option("--through", type=click.DateTime(["%Y-%m-%d"]), help="Last local date, inclusive.")
@click.option("--company", help="Id, external id or name.")
def approve(through: datetime | None, company: str | None) -> Answer:
    """Approve every submitted entry, or those through a date, or of one company."""
    with unit_of_work():
        companies = [lookup.company(company).id] if company else None
        day = through.date() if through else None
        count = approval.approve_all(actor=ACTOR, through=day, company_ids=companies)
    settle_prices()
    return {"approved": count}


@COMMAND.command("export")
@file_option
def export(output: Path | None) -> Answer:
    """Write all time entries as CSV that imports back as all unchanged."""
    with unit_of_work():
        return write("time", output, *exports.entries())
