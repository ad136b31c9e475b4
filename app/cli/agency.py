"""`flask agency`: who the agency is."""

from pathlib import Path
from typing import Any

import click

from app.billing.agency import Particulars, change_agency, facts, the_agency
from app.billing.documents.logo import KINDS
from app.billing.numbering import next_invoice_number
from app.cli.base import ACTOR, Answer, DeskGroup, settle_prices
from app.core import clock
from app.core.db import unit_of_work
from app.core.models import Agency

COMMAND = DeskGroup("agency", help="Show or change who the agency is.")


@COMMAND.command("show")
def show() -> Answer:
    """Show the agency."""
    return _answer(the_agency())


@COMMAND.command("set")
@click.option("--name")
@click.option("--currency", help="ISO 4217, such as EUR.")
@click.option("--zone", help="IANA time zone, such as Europe/Berlin.")
@click.option("--language", help="Of clients for whom none is known: en, de, es or fr.")
@click.option("--country", help="Two letters, such as DE.")
@click.option("--address", help="As on an envelope, with line breaks.")
@click.option("--email")
@click.option("--tax-id")
@click.option("--iban")
@click.option("--paper", help="a4 or letter.")
@click.option("--terms-days", type=int, help="Days to pay an invoice within.")
@click.option(
    "--logo",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"{KINDS}, up to 2 MB.",
)
@click.option("--next-number", type=int, help="Number of this year's next invoice.")
def set_agency(logo: Path | None, next_number: int | None, **changes: Any) -> Answer:
    """Change what is given, and leave the rest. Issued documents keep what they say."""
    with unit_of_work():
        agency = change_agency(
            Particulars(**changes),
            actor=ACTOR,
            logo=logo.read_bytes() if logo else None,
            next_number=next_number,
        )
        answer = _answer(agency)
    settle_prices()
    return answer


def _answer(agency: Agency) -> Answer:
    year = clock.today(agency.zone).year
    return facts(agency) | {"next_number": next_invoice_number(year)}
