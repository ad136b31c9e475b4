"""Promised times: calendars and policies, and how a ticket's due times come about."""

from typing import Any

from flask import Blueprint, render_template, request, url_for

from app.core import clock, formats, forms
from app.core.acting import current_actor
from app.core.errors import RuleError
from app.core.security import requires
from app.desk import promise_words
from app.desk.at_desk import own_zone
from app.desk.fields import Fields
from app.desk.lookup_forms import looked_up
from app.desk.posting import Outcome, carry_out
from app.staff import queries as staff_queries
from app.tickets import queries, sla, sla_commands, sla_queries
from app.tickets.models import PRIORITIES
from app.tickets.sla_warnings import WORDS

blueprint = Blueprint("promises", __name__)
USUAL = {f"hours_{day}": "09:00-17:00" for day in range(5)}
TARGETS = [(target, WORDS[target].capitalize()) for target in sla.TARGETS]


@blueprint.get("/tickets/<int:number>/promises")
@requires("see", "Tickets")
def explain(number: int) -> str:
    """Every promise on a ticket with the sum that led to its due time."""
    ticket = queries.ticket(number)
    clocks = sla_queries.clocks_of(ticket.id)
    used = {segment.calendar_id for each in clocks for segment in each.segments}
    calendars, now = sla_queries.calendars(used), clock.now()
    return render_template(
        "desk/promises/explain.html",
        ticket=ticket,
        found=[promise_words.explained(each, calendars, now) for each in reversed(clocks)],
        zone=own_zone(),
    )


@blueprint.get("/promises/")
@requires("see", "Promises")
def index() -> str:
    """The policies and the calendars."""
    companies: dict[int, list[str]] = {}
    for policy_id, _, name in sla_queries.chosen_companies():
        companies.setdefault(policy_id, []).append(name)
    departments: dict[int, list[str]] = {}
    for _, name, chosen in sla_queries.departments():
        if chosen is not None:
            departments.setdefault(chosen, []).append(name)
    return render_template(
        "desk/promises/index.html",
        policies=sla_queries.policies(),
        calendars=sla_queries.all_calendars(),
        companies=companies,
        departments=departments,
        week_text=promise_words.week_text,
        facts_of=sla_queries.facts_of,
        today=clock.today(),
    )


def _calendar_form(fields: Fields, calendar_id: int | None) -> str:
    return render_template(
        "desk/promises/calendar.html",
        fields=fields,
        calendar_id=calendar_id,
        days=sla.DAYS,
        nonce=forms.new_nonce(),
    )


@blueprint.get("/promises/calendars/new", defaults={"calendar_id": None})
@blueprint.get("/promises/calendars/<int:calendar_id>")
@requires("edit", "Promises")
def calendar(calendar_id: int | None) -> str:
    """Ask for the hours and holidays of a calendar."""
    if calendar_id is None:
        return _calendar_form(Fields({**USUAL, "zone": staff_queries.usual_zone()}), None)
    row = sla_queries.calendar(calendar_id)
    facts = sla_queries.facts_of(row)
    shown = {f"hours_{day}": promise_words.hours_text(each) for day, each in facts.hours.items()}
    holidays = "\n".join(f"{each.day} {each.name}".strip() for each in row.holidays)
    return _calendar_form(
        Fields(
            {
                **shown,
                "name": row.name,
                "zone": row.zone,
                "holidays": holidays,
                "version": str(row.version),
            }
        ),
        calendar_id,
    )


@blueprint.post("/promises/calendars", defaults={"calendar_id": None})
@blueprint.post("/promises/calendars/<int:calendar_id>")
@requires("edit", "Promises")
def save_calendar(calendar_id: int | None) -> Any:
    """Write a calendar."""
    fields = Fields(request.form)

    def action() -> Outcome:
        days, wrong = sla_commands.holidays_of(fields["holidays"])
        for problem in wrong:
            fields.refuse("holidays", problem)
        hours = {day: _stretches(fields, day) for day in range(len(sla.DAYS))}
        fields.check()
        saved = sla_commands.save_calendar(
            actor=current_actor(),
            name=fields["name"],
            calendar=sla.Calendar(fields["zone"], hours, days),
            calendar_id=calendar_id,
            version=request.form.get("version", type=int),
        )
        return url_for("promises.index"), f"{saved.name} is saved."

    def again(error: RuleError) -> tuple[str, int]:
        fields.add(error)
        return _calendar_form(fields, calendar_id), 422

    return carry_out(action, back=url_for("promises.index"), again=again)


def _stretches(fields: Fields, day: int) -> list[tuple[int, int]]:
    name = f"hours_{day}"
    try:
        return sla_commands.stretches_of(fields[name])
    except RuleError as error:
        fields.refuse(name, f"{sla.DAYS[day]}: {error}")
        return []


def _policy_form(fields: Fields, policy_id: int | None, companies: set[int]) -> str:
    chosen = [row for row in sla_queries.chosen_companies() if row[0] == policy_id]
    return render_template(
        "desk/promises/policy.html",
        fields=fields,
        policy_id=policy_id,
        calendars=[(each.id, each.name) for each in sla_queries.all_calendars()],
        companies=[(company_id, name, company_id in companies) for _, company_id, name in chosen],
        departments=[
            (each, name, f"department_{each}" in fields.sent)
            for each, name, _ in sla_queries.departments()
        ],
        priorities=PRIORITIES,
        targets=TARGETS,
        nonce=forms.new_nonce(),
    )


@blueprint.get("/promises/policies/new", defaults={"policy_id": None})
@blueprint.get("/promises/policies/<int:policy_id>")
@requires("edit", "Promises")
def policy(policy_id: int | None) -> str:
    """Ask for the targets of a policy, and whose tickets it is for."""
    if policy_id is None:
        return _policy_form(Fields({}), None, set())
    row = sla_queries.policy(policy_id)
    shown = {
        "name": row.name,
        "calendar": str(row.calendar_id),
        "version": str(row.version),
        **({"is_default": "y"} if row.is_default else {}),
        **{f"department_{each.department_id}": "y" for each in row.choices if each.department_id},
    }
    for each in row.targets:
        for target, _ in TARGETS:
            seconds = getattr(each, target)
            if seconds:
                shown[f"{target}_{each.priority}"] = formats.exact_hours(seconds)
    companies = {each.company_id for each in row.choices if each.company_id is not None}
    return _policy_form(Fields(shown), policy_id, companies)


@blueprint.post("/promises/policies", defaults={"policy_id": None})
@blueprint.post("/promises/policies/<int:policy_id>")
@requires("edit", "Promises")
def save_policy(policy_id: int | None) -> Any:
    """Write a policy."""
    fields = Fields(request.form)
    kept = {
        company_id
        for of_policy, company_id, _ in sla_queries.chosen_companies()
        if of_policy == policy_id and f"company_{company_id}" in request.form
    }

    def action() -> Outcome:
        goals = {
            priority: {
                target: fields.seconds(f"{target}_{priority}", f"{words}, {priority}") or None
                for target, words in TARGETS
            }
            for priority in PRIORITIES
        }
        fields.check()
        more = looked_up("company")
        saved = sla_commands.save_policy(
            actor=current_actor(),
            name=fields["name"],
            calendar_id=fields.id("calendar"),
            goals=goals,
            is_default=bool(fields["is_default"]),
            companies=kept | ({more} if more is not None else set()),
            departments=[
                each
                for each, _, _ in sla_queries.departments()
                if f"department_{each}" in request.form
            ],
            policy_id=policy_id,
            version=request.form.get("version", type=int),
        )
        return url_for("promises.index"), f"{saved.name} is saved; open tickets follow it."

    def again(error: RuleError) -> tuple[str, int]:
        fields.add(error)
        return _policy_form(fields, policy_id, kept), 422

    return carry_out(action, back=url_for("promises.index"), again=again)
