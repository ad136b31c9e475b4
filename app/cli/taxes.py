"""`flask taxes`: the tax of all companies, or of one."""

from datetime import date
from decimal import Decimal

import click

from app.billing.commands.rates import set_tax
from app.cli.base import ACTOR, Answer, DeskGroup
from app.cli.billing import DAY, NUMBER
from app.companies import lookup
from app.core.db import unit_of_work
from app.core.errors import UnusableInputError

COMMAND = DeskGroup("taxes", help="Taxes on invoices.")
CATEGORIES = ("S", "Z", "E", "AE", "K", "G", "O")


@COMMAND.command("set")
@click.option("--name", required=True, help="As printed, such as VAT.")
@click.option("--percent", type=NUMBER, required=True, help="Such as 19 or 7.7.")
@click.option("--company", help="Only for this company; else the tax is the default.")
@click.option("--default", "is_default", is_flag=True, help="For all companies without their own.")
@click.option("--from", "start", type=DAY, help="First day.")
@click.option("--category", type=click.Choice(CATEGORIES), help="EN 16931 category.")
def set_(
    name: str,
    percent: Decimal,
    company: str | None,
    is_default: bool,
    start: date | None,
    category: str | None,
) -> Answer:
    """Put a tax in force; the former one holds until then, and this one until a later one."""
    if company and is_default:
        raise UnusableInputError("A tax is either the default or a company's: leave one out.")
    with unit_of_work():
        tax = set_tax(
            ACTOR,
            name=name,
            percent=percent,
            company_id=lookup.company(company).id if company else None,
            category=category,
            start=start,
        )
        return {"tax": tax.id, "until": tax.valid.upper}
