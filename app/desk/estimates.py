"""A ticket's estimate: drafted line by line, looked at, sent, and offered again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import Any

from flask import Blueprint, render_template, request, url_for

from app.communications.actions_queries import zone_of
from app.communications.actions_rules import HEARD, Heard
from app.core import clock, forms
from app.core.errors import RuleError
from app.core.formats import amount
from app.core.money import from_minor, to_minor
from app.core.numbers import read_number
from app.core.security import may, requires
from app.desk import ticket_facts
from app.desk.at_desk import desk_actor, own_zone
from app.desk.composing import chosen_id, day
from app.desk.papers import as_pdf, given_or_awaited
from app.desk.posting import carry_out
from app.estimates import commands, papers, pricing, rules
from app.estimates import queries as estimates
from app.estimates.models import Estimate, EstimateLine
from app.estimates.rules import Line
from app.tickets import queries
from app.tickets.models import Ticket
from app.timelog.rules import HOUR, in_hours, parse_duration

blueprint = Blueprint("estimates", __name__)

ROWS, MORE_ROWS = 4, 3


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the form as typed."""

    key: str = ""
    text: str = ""
    work_type: str = ""
    hours: str = ""
    amount: str = ""
    optional: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether nothing was written in it; such a row is no line."""
        return not (self.text.strip() or self.hours.strip() or self.amount.strip())


@blueprint.get("/tickets/<int:number>/estimate")
@requires("see", "Estimates")
def show(number: int) -> str:
    """Every version, the newest first, with what is to be done with it."""
    return _page(number)


@blueprint.get("/tickets/<int:number>/estimate/edit")
@requires("edit", "Estimates")
def edit(number: int) -> str:
    """The draft of the next version: as it stands, else as the newest version, else empty."""
    ticket = queries.ticket(number)
    found = estimates.versions(ticket.id)
    newest = found[0].estimate if found else None
    draft = newest if newest is not None and newest.state == rules.DRAFT else None
    currency = pricing.currency_of(ticket, clock.today(zone_of(ticket)))
    rows = [_row(newest, line, currency) for line in newest.lines] if newest else []
    typed = {
        "note": newest.note if newest else "",
        "valid_until": str(draft.valid_until if draft else commands.usually_valid_until(ticket)),
        "revision": draft.revision if draft else "",
    }
    return _form(ticket, rows, typed)


@blueprint.post("/tickets/<int:number>/estimate/edit")
@requires("edit", "Estimates")
def save(number: int) -> Any:
    """Save the draft at today's rates, or give the form more lines."""
    form = request.form
    if form.get("do") == "more":
        return _form(queries.ticket(number), _rows(), form, more=MORE_ROWS)

    def act() -> tuple[str, str]:
        ticket = queries.locked(number)
        lines, problems = _lines(ticket, _rows())
        try:
            valid_until = day(form.get("valid_until", ""), "The last day")
        except RuleError as error:
            problems += error.problems
            valid_until = commands.usually_valid_until(ticket)  # the other reasons are told too
        draft = commands.save_draft(
            ticket,
            actor=desk_actor(),
            lines=lines,
            note=form.get("note", ""),
            valid_until=valid_until,
            revision=form.get("revision", type=int) or commands.NO_DRAFT,
            known_problems=problems,
        )
        there = url_for("estimates.show", number=number)
        return there, f"Version {draft.version} is drafted. Nobody but staff sees it yet."

    return carry_out(
        act,
        back=url_for("estimates.edit", number=number),
        again=lambda error: (
            _form(queries.ticket(number), _rows(), form, problems=error.problems),
            422,
        ),
    )


@blueprint.post("/tickets/<int:number>/estimate/again")
@requires("edit", "Estimates")
def again(number: int) -> Any:
    """Begin the next version as a copy of the newest one."""
    there = url_for("estimates.edit", number=number)

    def act() -> tuple[str, str]:
        draft = commands.offer_again(queries.locked(number), actor=desk_actor())
        return there, f"Version {draft.version} begins as a copy, at the rates of today."

    return carry_out(act, back=there)


@blueprint.post("/tickets/<int:number>/estimate/discard")
@requires("edit", "Estimates")
def discard(number: int) -> Any:
    """Throw the draft away."""
    here = url_for("estimates.show", number=number)

    def act() -> tuple[str, str]:
        commands.discard(queries.locked(number), actor=desk_actor())
        return here, "The draft is thrown away."

    return carry_out(act, back=here)


@blueprint.post("/tickets/<int:number>/estimate/send")
@requires("send", "Estimates")
def send(number: int) -> Any:
    """Send the draft; the contact is asked to approve it."""
    here = url_for("estimates.show", number=number)

    def act() -> tuple[str, str]:
        sent = commands.send(
            queries.locked(number),
            actor=desk_actor(),
            contact_id=chosen_id(request.form.get("contact", "")),
            revision=request.form.get("revision", type=int),
        )
        return here, f"Version {sent.version} is sent."

    return carry_out(act, back=here)


@blueprint.post("/tickets/<int:number>/estimate/withdraw")
@requires("send", "Estimates")
def withdraw(number: int) -> Any:
    """Take the open offer back."""
    here = url_for("estimates.show", number=number)

    def act() -> tuple[str, str]:
        commands.withdraw(queries.locked(number), actor=desk_actor())
        return here, "The estimate is withdrawn, and the client is told."

    return carry_out(act, back=here)


@blueprint.post("/tickets/<int:number>/estimate/<int:version>/note")
@requires("send", "Estimates")
def note(number: int, version: int) -> Any:
    """Note what the client told of the open offer; their people are mailed."""
    form = request.form

    def act() -> tuple[str, str]:
        found = commands.note(
            queries.locked(number),
            actor=desk_actor(),
            version=version,
            deed=form.get("do", ""),
            heard=Heard(
                by=form.get("by", ""),
                how=form.get("how", ""),
                on=day(form.get("on", ""), "The day on which they told you"),
            ),
            text=form.get("text", ""),
            chosen=form.getlist("chosen"),
            purchase_order=form.get("purchase_order", ""),
        )
        total = amount(found.total_minor, found.currency)
        said = f"Version {version} is noted as {found.state}, {total}. The client is told."
        return url_for("estimates.show", number=number), said

    return carry_out(
        act,
        back=url_for("estimates.show", number=number),
        again=lambda error: (_page(number, error.problems), 422),
    )


@blueprint.route("/tickets/<int:number>/estimate/<int:version>.pdf", methods=["GET", "POST"])
@requires("see", "Estimates")
def paper(number: int, version: int) -> Any:
    """The stored paper of a version that was sent; a POST has it drawn where it was not yet."""
    found = estimates.sent_version(number, version)
    file = papers.file_of(found)
    return given_or_awaited(
        partial(as_pdf, file, papers.name_of(found)) if file else None,
        have_drawn=lambda: papers.have_drawn(found),
        why_not=lambda: papers.why_not_drawn(found),
        crumbs=(
            ("Tickets", url_for("tickets.queue")),
            (f"#{number} {found.ticket.subject}", url_for("tickets.show", number=number)),
            ("Estimate", url_for("estimates.show", number=number)),
        ),
    )


def _page(number: int, problems: tuple[str, ...] = ()) -> str:
    ticket = queries.ticket(number)
    _, choices = ticket_facts.rail_and_choices(ticket)
    found = estimates.versions(ticket.id)
    return render_template(
        "desk/estimates/show.html",
        ticket=ticket,
        versions=found,
        carried=estimates.carried_to(ticket.id),
        newest=found[0].estimate if found else None,
        is_closed=ticket.closed_at is not None,
        contacts=choices.contacts,
        approver=estimates.approver_of(ticket) if may("send", "Estimates") else None,
        zone=own_zone(),
        today=clock.today(zone_of(ticket)),
        ways=[(code, str(text)) for code, text in HEARD.items()],
        problems=problems,
        typed=request.form,
        new_nonce=forms.new_nonce,
    )


def _rows() -> list[Row]:
    names = ("key", "text", "work_type", "hours", "amount", "optional")
    columns = [request.form.getlist(name) for name in names]
    return [Row(*cells) for cells in zip_longest(*columns, fillvalue="")]


def _row(estimate: Estimate, line: EstimateLine, currency: str) -> Row:
    """A line to be written on; an amount of another currency is left to be written anew."""
    is_amount = line.kind == "fixed" and estimate.currency == currency
    return Row(
        key=str(line.key),
        text=line.text,
        work_type=str(line.work_type_id or ""),
        hours=in_hours(line.seconds) if line.seconds else "",
        amount=from_minor(line.amount_minor, currency) if is_amount else "",
        optional="" if estimate.includes(line) else "y",
    )


def _lines(ticket: Ticket, rows: Sequence[Row]) -> tuple[list[Line], list[str]]:
    """What was typed as lines, and everything that cannot be read of them."""
    currency = pricing.currency_of(ticket, clock.today(zone_of(ticket)))
    found: list[Line] = []
    problems: list[str] = []
    for number, row in enumerate([row for row in rows if not row.is_blank], start=1):
        try:
            found.append(_line(row, currency))
        except RuleError as error:
            problems += [f"Line {number}: {problem}" for problem in error.problems]
            found.append(Line(0, rules.UNREAD, row.text, 0, is_optional=row.optional == "y"))
    return found, problems


def _line(row: Row, currency: str) -> Line:
    key = chosen_id(row.key) or 0
    hours, amount = row.hours.strip(), row.amount.strip()
    if bool(hours) == bool(amount):
        raise RuleError("write either hours or an amount.")
    is_optional = row.optional == "y"
    if amount:
        minor = to_minor(read_number(amount, currency=currency), currency)
        return Line(key, "fixed", row.text, minor, is_optional=is_optional)
    work_type_id = chosen_id(row.work_type)
    seconds = parse_duration(hours, bare=HOUR)
    return Line(
        key, "time", row.text, 0, seconds, work_type_id=work_type_id, is_optional=is_optional
    )


def _form(
    ticket: Ticket,
    rows: Sequence[Row],
    typed: Mapping[str, Any],
    *,
    problems: tuple[str, ...] = (),
    more: int = 0,
) -> str:
    rail, choices = ticket_facts.rail_and_choices(ticket)
    written = [row for row in rows if not row.is_blank]
    blank = max(ROWS - len(written), more, 1)
    new = Row(work_type=str(rail.last_work_type or ""))
    return render_template(
        "desk/estimates/edit.html",
        ticket=ticket,
        rows=[*written, *[new] * blank],
        typed=typed,
        problems=problems,
        currency=pricing.currency_of(ticket, clock.today(zone_of(ticket))),
        work_types=[(each["id"], each["name"]) for each in choices.work_types if each["billable"]],
        nonce=forms.new_nonce(),
    )
