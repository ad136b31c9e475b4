"""`flask rates`: effective-dated prices of an hour, and which one wins for an entry."""

from datetime import date
from decimal import Decimal

import click

from app.billing import queries, rate_queries
from app.billing.commands.rates import ROUNDINGS, UNITS, RateTerms, explain, set_rate
from app.cli.base import ACTOR, Answer, DeskGroup, settle_prices
from app.cli.billing import DAY, NUMBER
from app.companies import lookup
from app.core.db import unit_of_work
from app.core.money import price_text

COMMAND = DeskGroup("rates", help="Prices of an hour.")


@COMMAND.command("set")
@click.option("--rate", type=NUMBER, required=True, help="Price of an hour, such as 114.75.")
@click.option("--currency", help="That of who pays for the company, else the agency's.")
@click.option("--company", help="Only for this company and those below it.")
@click.option("--work-type", help="Only for this kind of work.")
@click.option("--person", help="Only for this member of staff.")
@click.option("--from", "start", type=DAY, help="First day.")
@click.option("--to", "last", type=DAY, help="Last day.")
@click.option("--minimum", type=int, default=0, help="Seconds a unit counts at least.")
@click.option("--increment", type=int, default=0, help="Seconds a unit is rounded to.")
@click.option("--rounding", type=click.Choice(ROUNDINGS), help="Up when there is an increment.")
@click.option("--unit", type=click.Choice(UNITS), default="entry", help="What is rounded at once.")
@click.option("--priority", type=int, default=0, help="A higher one wins over all others.")
def set_(
    rate: Decimal,
    currency: str | None,
    company: str | None,
    work_type: str | None,
    person: str | None,
    start: date | None,
    last: date | None,
    minimum: int,
    increment: int,
    rounding: str | None,
    unit: str,
    priority: int,
) -> Answer:
    """Put a rate in force; an older one for the same thing makes room."""
    with unit_of_work():
        client = lookup.company(company) if company else None
        terms = RateTerms(
            rate=rate,
            currency=(currency or "").upper()
            or queries.currency_of(client.id if client else None, start),
            company_id=client.id if client else None,
            work_type_id=queries.work_type_id(work_type) if work_type else None,
            staff_id=queries.staff_id(person) if person else None,
            start=start,
            end=queries.day_after(last),
            minimum_seconds=minimum,
            increment_seconds=increment,
            rounding=rounding or ("up" if increment else "exact"),
            unit=unit,
            priority=priority,
        )
        made = set_rate(ACTOR, terms).id
    settle_prices()
    if not rate:
        click.echo("At a rate of zero, work waits as zero_total and is not billed.", err=True)
    return {"rate_rule": made}


@COMMAND.command("explain")
@click.option("--entry", type=int, required=True, help="Id of the time entry.")
def explain_(entry: int) -> Answer:
    """Say which rule wins for a time entry, or won for a billed one, and why the others lose."""
    found = explain(entry)
    won = found.won
    return {
        "won": won.id if won else None,
        "rate": price_text(won.rate, won.currency) if won else None,
        "currency": won.currency if won else None,
        "invoice": invoice.number if (invoice := rate_queries.invoice_of(entry)) else None,
        "lost": [{"rate_rule": lost.rule.id, "why": lost.why} for lost in found.lost],
    }
