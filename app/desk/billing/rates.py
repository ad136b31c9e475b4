"""Rates: the rules in force, a new one, a change from a day on, a new year, why a rule won."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import Response, redirect, render_template, request, url_for

from app.billing import rate_queries
from app.billing.commands.rates import (
    MOST_PRIORITY,
    MOST_RATE,
    ROUNDINGS,
    UNITS,
    RateTerms,
    copy_rates,
    count_in_the_way,
    retire_rate,
    set_rate,
)
from app.billing.commands.rates import (
    explain as explain_entry,
)
from app.billing.engine.explain import explain_alone
from app.billing.models import RateRule
from app.billing.queries import agency, day_after
from app.billing.rate_queries import WantedRates
from app.core import clock, forms
from app.core.acting import current_actor
from app.core.errors import RuleError
from app.core.formats import day
from app.core.money import price_text
from app.core.security import requires
from app.desk.billing import blueprint
from app.desk.billing.choosing import company_id, company_text
from app.desk.fields import Fields
from app.desk.posting import Outcome, carry_out
from app.timelog.rules import in_hours

ROUNDING_WORDS = {
    "exact": "Exact, to the second",
    "up": "Up to the increment",
    "nearest": "To the nearest increment",
    "down": "Down to the increment",
}
UNIT_WORDS = {
    "entry": "Each entry",
    "ticket": "All time of a ticket on one invoice",
    "ticket-day": "All time of a ticket on one day",
}
ZERO = "zero"
MOST_CHANGE = 1000  # per cent


@blueprint.get("/rates")
@requires("see", "Rates")
def rates() -> str:
    """List the rules in force on a day; `all` shows past, future and retired ones too."""
    fields = Fields(request.args)
    today = clock.today(agency().zone)
    on = None if fields["all"] else fields.day("on", "On") or today
    page = max(request.args.get("page", 1, type=int), 1)
    wanted = WantedRates(
        on=on,
        company=fields["company"],
        company_id=fields.id("company_id"),
        work_type_id=fields.id("work_type"),
        staff_id=fields.id("staff"),
    )
    rows, more = rate_queries.rates(wanted, page=page)
    return render_template(
        "desk/billing/rates.html",
        rows=rows,
        more=more,
        page=page,
        wanted=wanted,
        today=today,
        address={key: value for key, value in request.args.items() if key != "page" and value},
        work_types=rate_queries.work_types(),
        people=rate_queries.people(),
        length=in_hours,
        nonce=forms.new_nonce(),
    )


def _form(fields: Fields, *, rule: RateRule | None = None, asks_zero: bool = False) -> str:
    return render_template(
        "desk/billing/rate_form.html",
        fields=fields,
        rule=rule,
        asks_zero=asks_zero,
        company_text=company_text(fields),
        work_types=rate_queries.work_types(),
        people=rate_queries.people(),
        roundings=list(ROUNDING_WORDS.items()),
        units=list(UNIT_WORDS.items()),
        currency=fields["currency"] or agency().currency,
        nonce=forms.new_nonce(),
    )


@blueprint.get("/rates/new")
@requires("create", "Rates")
def new_rate() -> str:
    """Ask for a new rule; the address may name its company, work type or person."""
    return _form(Fields(request.args))


@blueprint.post("/rates")
@requires("create", "Rates")
def create_rate() -> Any:
    """Put a new rule in force. A rate of zero is asked about first."""
    fields = Fields(request.form)
    return _save(fields, lambda: _terms(fields))


@blueprint.get("/rates/<int:rate_rule_id>/change")
@requires("edit", "Rates")
def change_rate(rate_rule_id: int) -> str:
    """Ask what is to hold instead of a rule, and from which day on."""
    rule = rate_queries.rate(rate_rule_id)
    values = {
        "rate": price_text(rule.rate, rule.currency),
        "currency": rule.currency,
        "minimum": in_hours(rule.minimum_seconds),
        "increment": in_hours(rule.increment_seconds),
        "rounding": rule.rounding,
        "unit": rule.unit,
        "start": _next_month(clock.today(agency().zone)).isoformat(),
        "end": _last_day(rule),
    }
    return _form(Fields(values), rule=rule)


def _next_month(today: date) -> date:
    return (today.replace(day=1) + timedelta(days=32)).replace(day=1)


def _last_day(rule: RateRule) -> str:
    return (rule.valid.upper - timedelta(days=1)).isoformat() if rule.valid.upper else ""


@blueprint.post("/rates/<int:rate_rule_id>/change")
@requires("edit", "Rates")
def save_rate(rate_rule_id: int) -> Any:
    """Retire a rule and put its successor in force; what is issued keeps the old one."""
    fields = Fields(request.form)
    rule = rate_queries.rate(rate_rule_id)
    return _save(fields, lambda: _terms(fields, of=rule), rule=rule)


def _save(fields: Fields, terms_of: Any, *, rule: RateRule | None = None) -> Any:
    def action() -> Outcome:
        terms = terms_of()
        fields.check()
        if terms.rate == 0 and fields[ZERO] != "yes":
            raise _ZeroRateError
        replaced = count_in_the_way(terms) if rule is None else 0
        made = set_rate(current_actor(), terms)
        where = url_for("billing.rates", on=made.valid.lower) if made.valid.lower else None
        return where or url_for("billing.rates"), _in_force(replaced)

    def again(error: RuleError) -> tuple[str, int]:
        if isinstance(error, _ZeroRateError):
            return _form(fields, rule=rule, asks_zero=True), 422
        fields.add(error)
        return _form(fields, rule=rule), 422

    return carry_out(action, back=url_for("billing.rates"), again=again)


def _in_force(replaced: int) -> str:
    if not replaced:
        return "The rate is in force."
    others = "one for the same" if replaced == 1 else f"{replaced} for the same"
    return f"The rate is in force, on its days in place of {others}; before and after those go on."


class _ZeroRateError(RuleError):
    """A rate of zero that nobody has confirmed yet."""


def _terms(fields: Fields, *, of: RateRule | None = None) -> RateTerms:
    last = fields.day("end", "Until")
    currency = of.currency if of else fields["currency"].upper()
    rate = fields.number("rate", "Rate", required=True, least=0, most=MOST_RATE, currency=currency)
    common: dict[str, Any] = {
        "rate": rate or Decimal(0),
        "start": fields.day("start", "From", required=of is not None),
        "end": day_after(last),
        "minimum_seconds": fields.seconds("minimum", "Minimum", most=1),
        "increment_seconds": fields.seconds("increment", "Increment", most=1),
        "rounding": fields.choice("rounding", "Rounding", ROUNDINGS, "exact"),
        "unit": fields.choice("unit", "What is rounded", UNITS, "entry"),
    }
    if common["increment_seconds"] and common["rounding"] == "exact":
        fields.refuse("rounding", "Rounding: say how the increment rounds, or leave it empty.")
    if of is not None:
        return RateTerms(
            currency=of.currency,
            company_id=of.company_id,
            work_type_id=of.work_type_id,
            staff_id=of.staff_id,
            priority=of.priority,
            **common,
        )
    return RateTerms(
        currency=fields["currency"].upper() or agency().currency,
        company_id=company_id(fields),
        work_type_id=fields.id("work_type"),
        staff_id=fields.id("staff"),
        priority=fields.whole("priority", "Priority", most=MOST_PRIORITY),
        **common,
    )


@blueprint.post("/rates/<int:rate_rule_id>/retire")
@requires("edit", "Rates")
def retire(rate_rule_id: int) -> Response:
    """Take a rule out of force."""

    def action() -> Outcome:
        retire_rate(current_actor(), rate_rule_id)
        return url_for("billing.rates"), "The rate is out of force; what it priced stays."

    return carry_out(action, back=url_for("billing.rates"))


@blueprint.get("/rates/copy")
@requires("create", "Rates")
def copy_form() -> str:
    """Ask from when the whole set is to hold anew, and by how much it rises."""
    today = clock.today(agency().zone)
    return _copy_form(Fields({"start": date(today.year + 1, 1, 1).isoformat(), "percent": "0"}))


def _copy_form(fields: Fields) -> str:
    start = Fields(fields.sent).day("start", "From")
    return render_template(
        "desk/billing/rates_copy.html",
        fields=fields,
        count=rate_queries.count_to_copy(start) if start else 0,
        nonce=forms.new_nonce(),
    )


@blueprint.post("/rates/copy")
@requires("create", "Rates")
def copy() -> Any:
    """Copy the set in force to begin on a day; the present rules end the day before."""
    fields = Fields(request.form)

    def action() -> Outcome:
        start = fields.day("start", "From", required=True)
        change = fields.number("percent", "Change in per cent", least=-100, most=MOST_CHANGE)
        percent = change or Decimal(0)
        fields.check()
        count = copy_rates(current_actor(), start=start or date.max, percent=percent)
        where = url_for("billing.rates", on=start)
        said = f"{count} {'rate' if count == 1 else 'rates'} copied, in force from {day(start)}."
        return where, said

    def again(error: RuleError) -> tuple[str, int]:
        fields.add(error)
        return _copy_form(fields), 422

    return carry_out(action, back=url_for("billing.rates"), again=again)


@blueprint.get("/entries/<int:entry_id>/rate")
@requires("see", "Rates")
def explain(entry_id: int) -> str:
    """Show the rule that wins for a time entry, and why each other one loses."""
    entry = rate_queries.entry(entry_id)
    found = explain_entry(entry_id)
    ids = [lost.rule.id for lost in found.lost] + ([found.won.id] if found.won else [])
    return render_template(
        "desk/billing/explain.html",
        entry=entry,
        invoice=rate_queries.invoice_of(entry_id),
        found=found,
        rules=rate_queries.rates_by_id(ids),
        sentences=explain_alone(entry.recorded_seconds, entry.billable_seconds, found.won)
        if found.won
        else [],
    )


@blueprint.get("/")
@requires("see", "Invoices")
def index() -> Any:
    """The billing desk begins with its invoices."""
    return redirect(url_for("billing.invoices"))
