"""My week as a timesheet, one entry, and the approval of everybody's time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from app.core import clock, forms
from app.core.db import unit_of_work
from app.core.errors import NotFoundError, Reasons, RuleError, StaleError
from app.core.security import may, requires
from app.core.targets import local_or
from app.desk import approvals
from app.desk.at_desk import desk_actor, own_staff_id, own_zone
from app.desk.composing import chosen_id, day, instant
from app.desk.lookup_forms import looked_up
from app.desk.posting import carry_out
from app.desk.time_questions import RIGHT, TimeQuestionError, ask
from app.tickets import queries as ticket_queries
from app.timelog import approval as approving
from app.timelog import commands, presence_queries, queries, questions, rules
from app.timelog.models import TimeEntry
from app.timelog.rules import Work

blueprint = Blueprint("time", __name__, url_prefix="/time")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row of the timesheet: a ticket, or a company without one; its entries by day."""

    number: int | None
    title: str
    company: str
    by_day: Sequence[Sequence[TimeEntry]]

    @property
    def seconds(self) -> int:
        return sum(entry.recorded_seconds for cell in self.by_day for entry in cell)


@blueprint.get("/week")
@requires("see", "Time")
def week() -> Any:
    """The signed-in person's week. `?day=` is any day of it."""
    return _week(request.args)


def _week(
    typed: Any,
    problems: tuple[str, ...] = (),
    question_id: int | None = None,
    *,
    asked: bool = False,
) -> str:
    """The week; `problems` are about the time that was typed, or the answer to a question.

    With `asked` a box says that what was typed is meant.
    """
    today = clock.today(own_zone())
    try:
        chosen = day(request.args.get("day", ""), "The day") or today
        monday = rules.monday_of(chosen)
        days = [monday + timedelta(days=n) for n in range(-7, 14)][7:14]
    except (RuleError, OverflowError):  # an address that names no week shows this one
        monday = rules.monday_of(today)
        days = [monday + timedelta(days=n) for n in range(7)]
    entries = queries.week_of(own_staff_id(), monday)
    return render_template(
        "desk/time/week.html",
        overlapping=queries.overlapping(own_staff_id(), monday),
        monday=monday,
        days=days,
        today=today,
        rows=_sheet(entries, days),
        entries=entries,
        by_day=[[entry for entry in entries if entry.work_date == when] for when in days],
        drafts=sum(entry.state == "draft" for entry in entries),
        total=sum(entry.recorded_seconds for entry in entries),
        billable=sum(entry.billable_seconds for entry in entries),
        billed=queries.allocated([entry.id for entry in entries]),
        work_types=queries.work_types(),
        untimed=presence_queries.untimed(own_staff_id(), own_zone(), days),
        questions=questions.to(own_staff_id()),
        typed=typed,
        problems=problems,
        unanswered=question_id,
        asked=asked,
        nonce=forms.new_nonce(),
        may_log=may("create", "Time"),
        may_edit=may("edit", "Time"),
    )


def _sheet(entries: Sequence[TimeEntry], days: Sequence[date]) -> list[SheetRow]:
    groups: dict[tuple[int | None, int], list[TimeEntry]] = {}
    for entry in entries:
        groups.setdefault((entry.ticket_id, entry.company_id), []).append(entry)
    return [
        SheetRow(
            number=group[0].ticket.number if group[0].ticket else None,
            title=group[0].ticket.subject if group[0].ticket else group[0].project or "No ticket",
            company=group[0].company.name,
            by_day=[[entry for entry in group if entry.work_date == when] for when in days],
        )
        for group in groups.values()
    ]


@blueprint.post("/add")
@requires("create", "Time")
def add() -> Any:
    """Log time on a ticket, or for a company without one."""
    back = local_or(request.form.get("back"), url_for("time.week"))

    def act() -> tuple[str, str]:
        reasons = Reasons()
        work = reasons.of(lambda: _work(request.form, own_zone()))
        ticket_id = reasons.of(lambda: _ticket_id(request.form.get("ticket", "")))
        company_id = reasons.of(lambda: looked_up("company"))
        if work is None or reasons.problems:
            found = rules.problems_of(work, today=clock.today(own_zone())) if work else []
            raise RuleError(*reasons.problems, *found)
        if RIGHT not in request.form:
            ask(work, staff_id=own_staff_id(), zone=own_zone())
        entry = commands.log_time(
            work,
            actor=desk_actor(),
            staff_id=own_staff_id(),
            ticket_id=ticket_id,
            company_id=company_id,
        )
        return (
            url_for("time.week", day=entry.work_date.isoformat()),
            f"{rules.in_hours(entry.recorded_seconds)} h logged.",
        )

    def again(error: RuleError) -> tuple[str, int]:
        asked = isinstance(error, TimeQuestionError) or RIGHT in request.form
        return _week(request.form, error.problems, asked=asked), 422

    return carry_out(act, back=back, again=again)


def _ticket_id(typed: str) -> int | None:
    typed = typed.strip().removeprefix("#")
    if not typed:
        return None
    number = chosen_id(typed)
    if number is None:
        raise RuleError(f"“{typed[:40]}” is no ticket number: write it as 1001.")
    try:
        return ticket_queries.ticket(number).id
    except NotFoundError as error:
        raise RuleError(*error.problems) from error


def _work(form: Any, zone: str) -> Work:
    time, part = form.get("time", "").strip(), form.get("billable_time", "").strip()
    return Work(
        seconds=rules.parse_duration(time) if time else None,
        started_at=instant(form.get("started_at", ""), zone, "The begin"),
        ended_at=instant(form.get("ended_at", ""), zone, "The end"),
        work_date=day(form.get("work_date", ""), "The date"),
        work_type_id=chosen_id(form.get("work_type", "")),
        billable=form.get("billable") == "y",
        billable_seconds=rules.parse_duration(part) if part else None,
        reason=form.get("reason", ""),
        description=form.get("description", ""),
        internal_note=form.get("internal_note", ""),
        project=form.get("project", ""),
    )


@blueprint.post("/questions/<int:question_id>")
@requires("create", "Time")
def answer(question_id: int) -> Any:
    """Answer what billing asks about one's own time."""
    back = url_for("time.week")

    def act() -> tuple[str, str]:
        questions.answer(desk_actor(), question_id, text=request.form.get("answer", ""))
        return back, "Your answer is on its way to billing."

    return carry_out(
        act,
        back=back,
        again=lambda error: (_week(request.form, error.problems, question_id), 422),
    )


@blueprint.post("/submit")
@requires("create", "Time")
def submit() -> Any:
    """Finish the drafts of a week."""
    monday = rules.monday_of(day(request.form.get("day", ""), "The day") or clock.today(own_zone()))
    back = url_for("time.week", day=monday.isoformat())

    def act() -> tuple[str, str]:
        count = approving.submit_week(own_staff_id(), monday, actor=desk_actor())
        return back, f"{count} {'entry' if count == 1 else 'entries'} submitted."

    return carry_out(act, back=back)


def _owner() -> int | None:
    """Whose entries may be changed: those who approve change anybody's, others their own."""
    return None if may("approve", "Time") else own_staff_id()


@blueprint.route("/<int:entry_id>", methods=["GET", "POST"])
@requires("edit", "Time")
def edit(entry_id: int) -> Any:
    """One entry: what was worked, and whether the client pays."""
    if request.method == "GET":
        return _entry_page(entry_id)
    entry = queries.entry(entry_id, owner=_owner())
    zone = queries.place_of(entry.company_id).zone
    try:
        work = _work(request.form, zone)
        if RIGHT not in request.form:
            ask(work, staff_id=entry.staff_id, zone=zone, instead_of=entry)
        with unit_of_work():
            changed = commands.edit_entry(
                entry,
                work,
                actor=desk_actor(),
                version=request.form.get("version", type=int),
            )
            when = changed.work_date.isoformat()
    except NotFoundError:
        raise
    except RuleError as error:
        code = 409 if isinstance(error, StaleError) else 422
        asked = isinstance(error, TimeQuestionError) or RIGHT in request.form
        page = _entry_page(entry_id, typed=request.form, problems=error.problems, asked=asked)
        return page, code
    flash("Saved.", "success")
    return redirect(local_or(request.form.get("back"), url_for("time.week", day=when)))


def _entry_page(
    entry_id: int, *, typed: Any = None, problems: tuple[str, ...] = (), asked: bool = False
) -> str:
    entry = queries.entry(entry_id, owner=_owner())
    kinds = queries.work_types()
    if entry.work_type and entry.work_type not in kinds:
        kinds.append(entry.work_type)
    return render_template(
        "desk/time/entry.html",
        entry=entry,
        typed=typed,
        problems=problems,
        asked=asked,
        zone=queries.place_of(entry.company_id).zone,
        billed=queries.allocated([entry.id]).get(entry.id),
        work_types=kinds,
        back=local_or(request.args.get("back") or request.form.get("back"), ""),
        in_hours=rules.in_hours,
    )


@blueprint.post("/<int:entry_id>/delete")
@requires("edit", "Time")
def delete(entry_id: int) -> Any:
    """Delete a draft or rejected entry."""
    entry = queries.entry(entry_id, owner=_owner())
    week_of = url_for("time.week", day=entry.work_date.isoformat())
    try:
        with unit_of_work():
            commands.delete_entry(entry, actor=desk_actor())
    except RuleError as error:
        for problem in error.problems:
            flash(problem, "danger")
        return redirect(url_for("time.edit", entry_id=entry_id))
    flash("The entry was deleted.", "success")
    return redirect(week_of)


@blueprint.get("/approval")
@requires("approve", "Time")
def approval() -> Any:
    """Everybody's submitted time, to approve or send back."""
    filters, problems = approvals.filters_of(request.args)
    for problem in problems:
        flash(problem, "danger")
    return _approval_page(filters)


def _approval_page(filters: approvals.Filters, problems: tuple[str, ...] = ()) -> str:
    """What waits; with what was ticked and written, where a decision was refused."""
    return render_template(
        "desk/time/approval.html",
        filters=filters,
        problems=problems,
        ticked=request.form.getlist("entry"),
        reason=request.form.get("reason", ""),
        found=approvals.waiting(filters),
        nonce=forms.new_nonce(),
        may_edit=may("edit", "Time"),
    )


@blueprint.post("/approval")
@requires("approve", "Time")
def decide() -> Any:
    """Approve or reject the ticked entries, or approve all that answer to the filters."""
    filters, _ = approvals.filters_of(request.form)
    back = url_for("time.approval", **filters.address())

    def act() -> tuple[str, str]:
        return back, approvals.decide(request.form, filters, actor=desk_actor())

    return carry_out(
        act, back=back, again=lambda error: (_approval_page(filters, error.problems), 422)
    )
