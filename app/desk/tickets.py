"""Tickets: the queue, a new one, and everything about one on one page."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from markupsafe import escape
from werkzeug.wrappers import Response

from app.core import clock, formats, forms
from app.core.db import unit_of_work, with_retry
from app.core.downloads import download
from app.core.errors import NotFoundError, Reasons, RuleError, StaleError
from app.core.lookups import LOOKUPS
from app.core.security import may, requires
from app.desk import canned, promise_words, ticket_facts, ticket_fields
from app.desk import price as price_words
from app.desk import queue as queue_page
from app.desk.at_desk import desk_actor, own_staff_id, own_zone, worker
from app.desk.composing import Composed, chosen_id, instant, send, uploads
from app.desk.lookup_forms import looked_up
from app.desk.mailed import mailed
from app.desk.posting import carry_out, taken
from app.desk.time_questions import TimeQuestionError
from app.estimates.queries import burn_of
from app.roles import ROLES
from app.staff import queries as staff_queries
from app.tickets import (
    assigning,
    commands,
    queries,
    request_queries,
    rules,
    saved_views,
    sharing,
    undoing,
)
from app.tickets.models import PRIORITIES, Ticket
from app.tickets.queue_models import SavedView
from app.timelog import commands as time_commands
from app.timelog.rules import local_date

EVENTS, WHOLE = 50, 1_000
AS_TYPED = ("subject", "priority", "purchase_order")
blueprint = Blueprint("tickets", __name__)


@blueprint.get("/tickets/")
@requires("see", "Tickets")
def queue() -> Any:
    """The queue in one of its views, narrowed by the filters of the address.

    The bare address leads to the view with which the person's role begins, if it has one.
    """
    filters = queue_page.Filters.of(request.args)
    staff_id, saved = _saved()
    first = saved_views.default_of(saved, {role.name for role in current_user.roles})
    if first is not None and not request.args:
        return redirect(url_for("tickets.queue", **first.address, saved=first.id))
    return _queue(filters, staff_id, saved)


def queue_again(filters: queue_page.Filters, problems: tuple[str, ...]) -> str:
    """The queue under filters that could not be saved as a view."""
    return _queue(filters, *_saved(), problems)


def _saved() -> tuple[int | None, Sequence[SavedView]]:
    """Who looks, and the views they see."""
    found = worker()
    staff_id = found.staff_id if found else None
    return staff_id, saved_views.of(staff_id)


def _queue(
    filters: queue_page.Filters,
    staff_id: int | None,
    saved: Sequence[SavedView],
    problems: tuple[str, ...] = (),
) -> str:
    chosen = next((view for view in saved if view.id == filters.saved), None)
    return render_template(
        "desk/tickets/queue.html",
        filters=filters,
        views=queue_page.VIEWS,
        page=queue_page.page(filters, staff_id=staff_id),
        choices=queue_page.choices(filters, staff_id=staff_id, views=saved),
        saved=saved,
        chosen=chosen,
        problems=[("f-name", problem) for problem in problems],
        typed_name=request.form.get("name", ""),
        may_change_view=chosen is not None
        and sharing.may_change(chosen, staff_id=staff_id, curates=may("curate", "Tickets")),
        roles=[*ROLES],
        undo=undoing.offered(chosen_id(request.args.get("undo", "")), staff_id=staff_id),
        this_page=url_for(
            "tickets.queue", **filters.address(after=filters.after, before=filters.before)
        ),
        priorities=PRIORITIES,
        zone=own_zone(),
        nonce=forms.new_nonce(),
        new_nonce=forms.new_nonce,
        staff_id=staff_id,
        may_edit=may("edit", "Tickets"),
        now=clock.now(),
        promised=promise_words.chip,
        said=queue_page.said,
    )


@blueprint.route("/tickets/new", methods=["GET", "POST"])
@requires("create", "Tickets")
def new() -> Any:
    """A new ticket, told by phone or at the door."""
    if request.method == "GET":
        return _new_form(request.args)

    def open_it() -> tuple[str, str]:
        subject, reasons = request.form.get("subject", ""), Reasons()
        company_id = reasons.of(lambda: looked_up("company"))
        requester_id = reasons.of(lambda: looked_up("contact"))
        due_at = reasons.of(
            lambda: instant(request.form.get("due", ""), own_zone(), "The due date")
        )
        if reasons.problems:
            reasons.problems += rules.subject_problems(rules.clean_line(subject))
        reasons.check()
        ticket = commands.open_ticket(
            actor=desk_actor(),
            subject=subject,
            company_id=company_id,
            requester_id=requester_id,
            department_id=chosen_id(request.form.get("department", "")),
            assignee_id=chosen_id(request.form.get("assignee", "")),
            priority=request.form.get("priority", "normal"),
            due_at=due_at,
            message=request.form.get("message", ""),
            files=uploads(request.files.getlist("files")),
        )
        return url_for("tickets.show", number=ticket.number), f"Ticket #{ticket.number} is open."

    return carry_out(
        open_it,
        back=url_for("tickets.new"),
        again=lambda error: (_new_form(request.form, error.problems), 422),
    )


def _new_form(typed: Any, problems: tuple[str, ...] = ()) -> str:
    found = worker()
    company = chosen_id(typed.get("company", ""))
    row = LOOKUPS["company"].get(company) if company else None
    departments = staff_queries.departments()
    return render_template(
        "desk/tickets/new.html",
        typed=typed,
        company_text=typed.get("company_text") or (row.text if row else ""),
        problems=problems,
        staff=[(person.id, person.name) for person in staff_queries.working()],
        departments=[(each.id, each.name) for each in departments],
        by_turn=[each.name for each in departments if each.assign_mode != "manual"],
        own=found.staff_id if found else None,
        priorities=PRIORITIES,
        nonce=forms.new_nonce(),
    )


@blueprint.get("/tickets/<int:number>")
@requires("see", "Tickets")
def show(number: int) -> Any:
    """Everything about one ticket.

    `?earlier=<seq>` shows the events before that one, `?whole` all of them (the newest 1,000).
    """
    most = WHOLE if "whole" in request.args else EVENTS
    return page(number, earlier=request.args.get("earlier", type=int), most=most)


def page(
    number: int,
    *,
    composed: Composed | None = None,
    problems: tuple[str, ...] = (),
    asked: bool = False,
    fields: Any = None,
    field_problems: tuple[str, ...] = (),
    refused_form: str = "",
    refused_for: tuple[str, ...] = (),
    earlier: int | None = None,
    most: int = EVENTS,
) -> str:
    """The ticket's page, with what was typed where a form of it was refused.

    With `asked` a box says that the time in `composed` is meant. `refused_form` names the small
    form of the rail that was refused: "join" or "move".
    """
    ticket = queries.ticket(number)
    found = worker()
    staff_id = found.staff_id if found else None
    rail, choices = ticket_facts.rail_and_choices(ticket, staff_id=staff_id)
    events = queries.page_of_events(ticket.id, before=earlier, most=most)
    timer = next((t for t in found.timers if t.ticket_id == ticket.id), None) if found else None
    return render_template(
        "desk/tickets/show.html",
        ticket=ticket,
        rail=rail,
        choices=choices,
        reply=_canned(ticket) if composed is None else "",
        next_statuses=[
            each for each in choices.statuses if rules.may_become(ticket.category, each["category"])
        ],
        answers=request_queries.answers_of(ticket, for_client=False),
        events=events,
        mailed=mailed(events),
        earlier=earlier,
        composed=composed,
        problems=problems,
        asked=asked,
        fields=fields,
        now_shown=ticket_fields.shown(ticket, own_zone()),
        field_problems=field_problems,
        refused={refused_form: refused_for},
        typed=request.form,
        timer=timer,
        undo=undoing.offered(chosen_id(request.args.get("undo", "")), staff_id=staff_id, on=ticket),
        this_page=url_for("tickets.show", number=number),
        priorities=PRIORITIES,
        zone=own_zone(),
        today=local_date(clock.now(), rail.zone),
        local_now=clock.now(),
        may_edit=may("edit", "Tickets") and rail.merged_into is None,
        may_take=found is not None and ticket.assignee_id is None,
        takes=assigning.is_for_who_answers(ticket),
        may_log=may("create", "Time") and found is not None and rail.merged_into is None,
        nonce=forms.new_nonce(),
        new_nonce=forms.new_nonce,
        now=clock.now(),
        promised=promise_words.chip,
        burn_of=burn_of,
    )


def _canned(ticket: Ticket) -> str:
    """The canned reply that the address asks for: the way of those without scripts."""
    reply_id = request.args.get("canned", type=int)
    return canned.filled(reply_id, ticket) if reply_id and may("edit", "Tickets") else ""


@blueprint.get("/tickets/<int:number>/events")
@requires("see", "Tickets")
def events(number: int) -> Any:
    """The events before `?before=<seq>`, as a part of the page."""
    before = request.args.get("before", type=int)
    if "HX-Request" not in request.headers:
        return redirect(url_for("tickets.show", number=number, earlier=before))
    ticket = queries.ticket(number)
    earlier_ones = queries.page_of_events(ticket.id, before=before, most=EVENTS)
    return render_template(
        "desk/tickets/earlier.html",
        ticket=ticket,
        events=earlier_ones,
        mailed=mailed(earlier_ones),
        zone=own_zone(),
        new_nonce=forms.new_nonce,
        now=clock.now(),
    )


@blueprint.get("/tickets/<int:number>/price")
@requires("create", "Time")
def price(number: int) -> Any:
    """What the time of the composer would come to, in words."""
    return escape(
        price_words.in_words(
            queries.ticket(number), Composed.of(request.args), staff_id=own_staff_id()
        )
    )


@blueprint.post("/tickets/<int:number>/say")
@requires("edit", "Tickets")
def say(number: int) -> Any:
    """Reply or note, time and status in one submit: all of it or nothing."""
    composed = Composed.of(request.form, request.files.getlist("files"))
    here = url_for("tickets.show", number=number)

    def act() -> tuple[str, str]:
        found = worker()
        if composed.time and not may("create", "Time"):
            raise RuleError("Your role may not log time: leave the time out.")
        ticket = queries.locked(number)
        sent = send(
            ticket,
            composed,
            actor=desk_actor(),
            staff_id=found.staff_id if found else None,
        )
        there = url_for("tickets.show", number=number, undo=sent.undo_id, _anchor="composer")
        return taken(there), sent.words

    def again(error: RuleError) -> tuple[str, int]:
        asked = isinstance(error, TimeQuestionError) or composed.right
        return page(number, composed=composed, problems=error.problems, asked=asked), 422

    return carry_out(act, back=here, again=again)


@blueprint.post("/tickets/<int:number>/fields")
@requires("edit", "Tickets")
def change(number: int) -> Any:
    """Save the fields of the rail. What somebody else saved meanwhile is shown beside it."""
    form = request.form

    def save() -> int | None:
        actor = desk_actor()
        with unit_of_work():
            ticket = queries.locked(number)
            commands.ensure_fresh(ticket, form.get("version", type=int))
            found = undoing.Found.of(ticket)
            commands.change_fields(ticket, actor=actor, changes=_fields(form, ticket))
            if form.get("status"):
                status = queries.status(_chosen(form["status"], "Status") or 0)
                commands.change_status(ticket, actor=actor, status=status)
            return undoing.keep_one(found, actor=actor)

    try:
        undo_id = with_retry(save)
    except NotFoundError:
        raise
    except RuleError as error:
        if not isinstance(error, StaleError):
            return page(number, fields=form, field_problems=error.problems), 422
        now = ticket_fields.shown(queries.ticket(number), own_zone())
        again = ticket_fields.merged(form, now)
        return page(number, fields=again, field_problems=error.problems), 409
    flash("Saved.", "success")
    return redirect(url_for("tickets.show", number=number, undo=undo_id))


def _fields(form: Any, ticket: Ticket) -> dict[str, Any]:
    ids = {"requester": "requester_id", "department": "department_id", "assignee": "assignee_id"}
    wanted: dict[str, Any] = {
        column: _chosen(form[name], name.capitalize())
        for name, column in ids.items()
        if name in form
    }
    shown = formats.typed_instant(ticket.due_at, own_zone())
    if form.get("due", shown) != shown:  # the form has no seconds: an untouched one changes nothing
        wanted["due_at"] = instant(form["due"], own_zone(), "The due date")
    if "tags" in form:
        wanted["tags"] = form["tags"].split(",")
    return wanted | {name: form[name] for name in AS_TYPED if name in form}


def _chosen(text: str, label: str) -> int | None:
    """The id of what was chosen; None where that is nobody. Raises `RuleError` for no id."""
    found = chosen_id(text)
    if found is None and text.strip():
        raise RuleError(f"{label}: “{text[:40]}” is none of the list. Choose again.")
    return found


@blueprint.post("/tickets/<int:number>/company")
@requires("edit", "Tickets")
def move(number: int) -> Any:
    """Give a misfiled ticket to another company; its unbilled time goes along."""
    here = url_for("tickets.show", number=number)

    def act() -> tuple[str, str]:
        company_id = looked_up("company")
        if company_id is None:
            raise RuleError("No company is chosen: choose the one this ticket is for.")
        ticket = queries.locked(number)
        time_commands.move_ticket(
            ticket,
            actor=desk_actor(),
            company_id=company_id,
            version=request.form.get("version", type=int),
        )
        return here, "The ticket and its unbilled time have moved."

    def again(error: RuleError) -> tuple[str, int]:
        code = 409 if isinstance(error, StaleError) else 422
        return page(number, refused_form="move", refused_for=error.problems), code

    return carry_out(act, back=here, again=again)


@blueprint.post("/tickets/<int:number>/files")
@requires("edit", "Tickets")
def attach(number: int) -> Any:
    """Attach files by themselves."""
    here = url_for("tickets.show", number=number)

    def act() -> tuple[str, str]:
        files = uploads(request.files.getlist("files"))
        commands.attach(queries.locked(number), actor=desk_actor(), files=files)
        return here, f"{len(files)} file{'' if len(files) == 1 else 's'} attached."

    return carry_out(act, back=here)


@blueprint.get("/attachments/<int:attachment_id>")
@requires("see", "Tickets")
def attachment(attachment_id: int) -> Response:
    """A file as a download: typed by its bytes, never shown in the page's place, never run."""
    found = queries.attachment(attachment_id)
    return download(found.file, found.name)
