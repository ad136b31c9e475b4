"""The start page: what waits for you, by what you may do. Every figure leads to its rows."""

from dataclasses import dataclass
from datetime import date, timedelta

from flask import render_template, url_for
from flask_login import current_user

from app.communications import queries as mails
from app.core import clock, formats
from app.core.security import may, requires
from app.desk import blueprint, home_queries, import_rights
from app.desk.jobs import STATES
from app.desk.shell import url_or_none
from app.staff.queries import staff_of_user


@dataclass(frozen=True, slots=True)
class Figure:
    """A card: a figure with its unit, what it compares to, and where its rows are."""

    label: str
    figure: str
    note: str = ""
    unit: str = ""
    href: str = ""
    kind: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What a new installation wants next; `links` are (words, address), the usual one first."""

    title: str
    text: str
    links: list[tuple[str, str]]


@blueprint.get("/")
@requires("see", "Home")
def home() -> str:
    """Show the cards and lists that fit this person's permissions."""
    staff = staff_of_user(current_user.id)
    today = clock.today(staff.zone if staff else home_queries.agency_zone())
    figures: list[Figure] = []
    if may("create", "Time") and staff:
        figures += _my_time(staff.id, today)
    if may("see", "Tickets"):
        figures += _tickets(staff.id if staff else None)
    if may("accept", "Inbox"):
        figures += _held_mail()
    if may("see", "Dashboards"):
        figures += _hours(today)
    if may("approve", "Time"):
        figures += _approval()
    if may("compile", "Invoices") or may("see", "Dashboards"):
        figures += _unbilled()
    if may("see", "Payments"):
        figures += _receivables(today)
    if may("see", "Jobs"):
        figures += _installation()
    mine = home_queries.my_tickets(staff.id) if staff and may("see", "Tickets") else []
    run = home_queries.last_run() if may("compile", "Invoices") else None
    return render_template(
        "desk/home/index.html",
        figures=figures,
        demo=home_queries.demo_job(),
        job_states=STATES,
        tickets=mine,
        run=run,
        step=None if mine or run else _next_step(),
        name=current_user.first_name,
        day=clock.today(),
    )


@blueprint.get("/demo-loading")
@requires("see", "Home")
def demo_loading() -> str:
    """How far the demo agency is loaded; the start page asks each second."""
    return render_template("desk/home/demo.html", demo=home_queries.demo_job(), job_states=STATES)


def _next_step() -> Step | None:
    """The first thing a new installation lacks that this person may bring."""
    begun = home_queries.begun()
    if not begun.companies:
        ways = (
            ("Import companies", "imports.index", import_rights.may_bring("companies")),
            ("Add a company", "CompanyView.add", may("create", "Companies")),
        )
        links = [(words, url_for(endpoint)) for words, endpoint, allowed in ways if allowed]
        text = "Tickets, time and invoices belong to a company."
        return Step("Begin with your companies", text, links) if links else None
    if not begun.rates and may("create", "Rates"):
        links = [("New rate", url_for("billing.new_rate"))]
        return Step("Set a rate", "Time is billed at a rate: one may hold for everybody.", links)
    if not begun.tickets and may("create", "Tickets"):
        links = [("New ticket", url_for("tickets.new"))]
        return Step("Open the first ticket", "Work is asked for and recorded on tickets.", links)
    return None


def _my_time(staff_id: int, today: date) -> list[Figure]:
    time = home_queries.my_time(staff_id, today)
    timers = f"{time.timers} timers kept" if time.timers > 1 else "1 timer kept"
    return [
        Figure(
            "My time today",
            formats.hours(time.today),
            note=f"{formats.hours(time.week)} this week" + (f", {timers}" if time.timers else ""),
            unit="h",
            href=url_or_none("time.week") or "",
            kind="time" if time.timers else "",
        )
    ]


def _tickets(staff_id: int | None) -> list[Figure]:
    found = home_queries.tickets(staff_id, clock.now() - timedelta(days=7))
    return [
        Figure(
            "My open tickets",
            formats.grouped(found.mine),
            note=f"{found.waiting} wait for the client",
            href=url_or_none("tickets.queue", view="mine") or "",
        ),
        Figure(
            "Unassigned",
            formats.grouped(found.unassigned),
            note=f"of {found.open} open",
            href=url_or_none("tickets.queue", view="unassigned") or "",
        ),
        Figure(
            "Opened in 7 days",
            formats.grouped(found.opened),
            note=f"{found.closed} closed",
            href=url_or_none("dashboards.index") or "",
        ),
    ]


def _held_mail() -> list[Figure]:
    counts = mails.counts(states=("quarantined", "failed"))
    held, failed = counts.get("quarantined", 0), counts.get("failed", 0)
    if not held + failed:
        return []
    return [
        Figure(
            "Mail held back",
            formats.grouped(held + failed),
            note=f"{formats.grouped(failed)} failed" if failed else "to be accepted or left",
            href=url_or_none("inbox.index", state="quarantined" if held else "failed") or "",
            kind="bad" if failed else "",
        )
    ]


def _hours(today: date) -> list[Figure]:
    month = home_queries.hours_of_month(today)
    share = f"{month.billable * 100 // month.recorded} %" if month.recorded else "–"
    return [
        Figure(
            "Billable this month",
            share,
            note=f"of {formats.hours(month.recorded)} h recorded",
            href=url_or_none("dashboards.index") or "",
        )
    ]


def _approval() -> list[Figure]:
    waiting = home_queries.to_approve()
    if not waiting:
        return []
    return [
        Figure(
            "To approve",
            formats.grouped(waiting),
            unit="entries",
            href=url_or_none("time.approval") or "",
        )
    ]


def _unbilled() -> list[Figure]:
    found = home_queries.unbilled()
    oldest = f"oldest from {formats.day(found.oldest)}" if found.oldest else "nothing waits"
    return [
        Figure(
            "Unbilled time",
            formats.hours(found.seconds),
            note=f"{_count(found.entries, 'entry', 'entries')}, {oldest}",
            unit="h",
            href=url_or_none("billing.runs") or "",
            kind="time" if found.entries else "",
        )
    ]


def _count(number: int, thing: str, things: str = "") -> str:
    return f"{formats.grouped(number)} {thing if number == 1 else things or thing + 's'}"


def _receivables(today: date) -> list[Figure]:
    figures = []
    for row in home_queries.receivables(today):
        late = f"{formats.amount(row.overdue, row.currency)} overdue, {_count(row.late, 'invoice')}"
        figures.append(
            Figure(
                "Receivable",
                formats.money(row.owed, row.currency),
                note=late if row.late else "nothing overdue",
                currency=row.currency,
                href=url_or_none("billing.invoices") or "",
                kind="bad" if row.late else "",
            )
        )
    return figures


def _installation() -> list[Figure]:
    found = home_queries.installation()
    failed = found.dead_jobs + found.failed_mails
    figures = []
    if failed:
        figures.append(
            Figure(
                "Failed",
                formats.grouped(failed),
                note=f"{_count(found.dead_jobs, 'job')}, {_count(found.failed_mails, 'mail')}",
                href=url_or_none("jobs.index", state="dead") or "",
                kind="bad",
            )
        )
    if may("see", "Users"):
        figures.append(
            Figure(
                "Companies",
                formats.grouped(found.companies),
                note=f"{_count(found.users, 'person', 'people')} may sign in",
                href=url_or_none("CompanyView.list") or "",
            )
        )
    return figures
