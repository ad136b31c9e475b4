"""Taxes: those in force, a new one from a day on, for one company or for all others."""

from decimal import Decimal
from typing import Any

from flask import render_template, request, url_for

from app.billing import rate_queries
from app.billing.commands.rates import set_tax
from app.billing.queries import agency
from app.core import clock, forms
from app.core.acting import current_actor
from app.core.errors import RuleError
from app.core.money import plain
from app.core.security import requires
from app.desk.billing import blueprint
from app.desk.billing.choosing import company_id, company_text
from app.desk.fields import Fields
from app.desk.posting import Outcome, carry_out

CATEGORIES = {
    "S": "Standard rate",
    "Z": "Zero rated",
    "E": "Exempt",
    "AE": "Reverse charge",
    "K": "Supply within the EU",
    "G": "Export",
    "O": "Outside the scope of tax",
}


@blueprint.get("/taxes")
@requires("see", "Taxes")
def taxes() -> str:
    """List the taxes in force today; `all` shows past, future and retired ones too."""
    fields = Fields(request.args)
    today = clock.today(agency().zone)
    page = max(request.args.get("page", 1, type=int), 1)
    rows, more = rate_queries.taxes(
        on=None if fields["all"] else today, company=fields["company"], page=page
    )
    return render_template(
        "desk/billing/taxes.html",
        rows=rows,
        more=more,
        page=page,
        fields=fields,
        today=today,
        address={key: value for key, value in request.args.items() if key != "page" and value},
        categories=CATEGORIES,
        plain=plain,
    )


def _form(fields: Fields) -> str:
    return render_template(
        "desk/billing/tax_form.html",
        fields=fields,
        company_text=company_text(fields),
        categories=list(CATEGORIES.items()),
        nonce=forms.new_nonce(),
    )


@blueprint.get("/taxes/new")
@requires("create", "Taxes")
def new_tax() -> str:
    """Ask for a tax; the address may carry the values of one that is to change."""
    return _form(Fields(request.args))


@blueprint.post("/taxes")
@requires("create", "Taxes")
def create_tax() -> Any:
    """Put a tax in force from a day on; the former one of the same company holds until then."""
    fields = Fields(request.form)

    def action() -> Outcome:
        company = company_id(fields)
        percent = fields.number("percent", "Per cent", required=True, most=100)
        name = fields.text("name", "Name", required=True, longest=60)
        category = fields.choice("category", "Category", CATEGORIES, "S" if percent else "Z")
        start = fields.day("start", "From")
        fields.check()
        set_tax(
            current_actor(),
            name=name,
            percent=percent or Decimal(0),
            company_id=company,
            category=category,
            start=start,
        )
        return url_for("billing.taxes", all=1 if start else None), "The tax is set."

    def again(error: RuleError) -> tuple[str, int]:
        fields.add(error)
        return _form(fields), 422

    return carry_out(action, back=url_for("billing.taxes"), again=again)
