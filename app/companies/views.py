"""FAB screens of companies: list, page, form, tree, who pays."""

from datetime import date
from itertools import starmap
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms import BooleanField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.form import BaseForm
from wtforms.validators import Optional

from app.companies import commands, domains, queries, rules
from app.companies.models import ADDRESS_PARTS, KINDS, Company
from app.core import typed
from app.core.acting import current_actor
from app.core.crud import DeskInterface, DeskModelView
from app.core.db import unit_of_work
from app.core.errors import RuleError
from app.core.language import OFFERED
from app.core.lookups import Lookup, LookupField, offer

CONFIRM = "address_confirmed"
TOPS_A_PAGE = 50

offer("company", Lookup("Companies", queries.company_search, queries.company_found))


def address_fields(prefix: str) -> dict[str, StringField]:
    """The text fields of one address."""
    return {
        f"{prefix}{part}": StringField(rules.label(f"{prefix}{part}")) for part in ADDRESS_PARTS
    }


def language_field(description: str) -> SelectField:
    """A language to choose, or the usual one; whether it is one is asked by the rules."""
    choices = [SelectChoice("", "The usual one"), *starmap(SelectChoice, OFFERED.items())]
    return SelectField("Language", choices=choices, description=description, validate_choice=False)


class CompanyView(DeskModelView):
    """Companies, sites and departments in their tree."""

    resource = "Companies"
    route_base = "/companies"
    datamodel = DeskInterface(Company, loads=(joinedload(Company.parent),))
    list_title = "Companies"
    add_title = "New company"
    edit_title = "Change company"
    show_template = "companies/show.html"
    list_template = "companies/list.html"
    base_order = ("name_key", "asc")
    list_columns = ["name", "kind", "parent", "billing_city", "external_id", "archived_at"]
    show_columns = ["name"]
    order_columns = ["name", "kind", "billing_city", "external_id", "archived_at"]
    search_columns = [
        *("name", "external_id", "tax_id", "email", "billing_city", "billing_country", "kind"),
    ]
    label_columns = {
        **{field: rules.label(field) for field in (*rules.COMPANY_FIELDS, "external_id")},
        "parent": "Part of",
        "archived_at": "Archived",
    }
    formatters_columns = {
        "archived_at": lambda at: "Archived" if at else "",
        "kind": str.capitalize,
    }
    add_columns = [*rules.COMPANY_FIELDS]
    edit_columns = [*rules.COMPANY_FIELDS, CONFIRM]
    add_form_extra_fields = {
        "name": StringField("Name", description="As it stands on invoices."),
        "kind": SelectField(
            "Kind",
            choices=[SelectChoice(kind, kind.capitalize()) for kind in KINDS],
            default="company",
        ),
        "parent_id": LookupField(
            "Part of",
            entity="company",
            description="A site or department is paid for by the company above it.",
        ),
        "email": StringField("E-mail"),
        "tax_id": StringField("Tax id"),
        "currency": StringField("Currency", description="Such as EUR; empty for the agency's."),
        "zone": StringField(
            "Time zone", description="Such as Europe/Oslo; empty for the agency's."
        ),
        "language": language_field("Of its documents, and of its people who chose none."),
        "terms_days": IntegerField(
            "Terms in days", validators=[Optional()], description="Empty for the agency's."
        ),
        "purchase_order": StringField("Purchase order", description="Printed on each invoice."),
        "notes": TextAreaField("Notes", description="Only staff see them."),
        **address_fields("billing_"),
        **address_fields("shipping_"),
    }
    edit_form_extra_fields = {
        **add_form_extra_fields,
        CONFIRM: BooleanField("Change it for the people who use the company address, too"),
    }
    add_fieldsets = [
        ("Company", {"fields": ["name", "kind", "parent_id", "phone", "email", "website"]}),
        ("Billing address", {"fields": [*rules.BILLING]}),
        (
            "Billing",
            {"fields": ["tax_id", "purchase_order", "currency", "terms_days", "zone", "language"]},
        ),
        ("Shipping address", {"fields": [*rules.SHIPPING]}),
        ("Notes", {"fields": ["notes"]}),
    ]
    edit_fieldsets = [
        (title, {"fields": [*part["fields"], CONFIRM]})
        if title == "Billing address"
        else (title, part)
        for title, part in add_fieldsets
    ]

    def create(self, values: dict[str, Any]) -> Company:
        return commands.create_company(current_actor(), values)

    def change(self, item: Company, values: dict[str, Any]) -> None:
        confirmed = values.pop(CONFIRM)
        if not confirmed:
            _ask_about_followers(item, values)
        commands.change_company(current_actor(), item, values)

    def remove(self, item: Company) -> None:
        commands.remove_company(current_actor(), item)

    @expose("/show/<pk>", methods=["GET"])
    @has_access
    def show(self, pk: str) -> str:
        """Show the page of a company: its place, people, address, who pays."""
        company = self._item(pk)
        return self.render_template(
            self.show_template,
            company=company,
            above=queries.ancestors(company.id),
            below=queries.tree(root_id=company.id),
            people=queries.people_of(company.id),
            followers=queries.address_followers(company.id),
            bill_to=queries.bill_to_rows(company.id),
            domains=domains.of_company(company.id),
            label=rules.label,
            languages=OFFERED,
        )

    @expose("/tree", methods=["GET"])
    @has_access
    @permission_name("see")
    def tree(self) -> str:
        """Show all companies below one another, a page of topmost ones at a time."""
        page = request.args.get("page", 1, type=int)
        if page < 1:
            abort(400)
        return self.render_template(
            "companies/tree.html",
            tree=queries.tree(page=page, size=TOPS_A_PAGE),
            page=page,
            pages=-(-queries.count_tops() // TOPS_A_PAGE),
        )

    @expose("/<int:pk>/archive", methods=["POST"])
    @has_access
    @permission_name("edit")
    def archive(self, pk: int) -> Response:
        """Take a company out of use, or with `?restore=1` put it back; twice is once."""
        with unit_of_work():
            company = commands.company_of(pk)
            if "restore" not in request.args:
                commands.archive_company(current_actor(), company)
                flash(f"{company.name} is archived. Everything it has stays.", "success")
            else:
                commands.restore_company(current_actor(), company)
                flash(f"{company.name} is in use again.", "success")
        return redirect(url_for("CompanyView.show", pk=pk))

    @expose("/<int:pk>/bill-to", methods=["POST"])
    @has_access
    @permission_name("edit")
    def bill_to(self, pk: int) -> Response:
        """Say who pays from a day on, or delete such a row."""
        try:
            with unit_of_work():
                _bill_to(commands.company_of(pk))
        except RuleError as error:
            for problem in error.problems:
                flash(problem, "danger")
        return redirect(url_for("CompanyView.show", pk=pk, _anchor="bill-to"))


def _bill_to(company: Company) -> None:
    row_id = request.form.get("delete", type=int)
    if row_id is not None:
        commands.remove_bill_to(current_actor(), company, row_id)
        flash("The row is deleted.", "success")
        return
    payer_id = chosen("payer", "company", "Who pays")
    commands.set_bill_to(
        current_actor(), company, payer=commands.company_of(payer_id), start=_day("start")
    )
    flash("Saved.", "success")


def chosen(name: str, entity: str, label: str) -> int:
    """The id of a look-up in a hand-written form. Raises `RuleError` naming the field."""
    form = BaseForm({name: LookupField(label, entity=entity, optional=False)})
    form.process(request.form)
    if not form.validate():
        raise RuleError(*(f"{label}: {reason}" for reason in form[name].errors))
    picked: int = form[name].data
    return picked


def _day(name: str) -> date | None:
    text = request.form.get(name, "").strip()
    try:
        return typed.day(text) if text else None
    except ValueError:
        raise RuleError(f"From: {text} is not a date; write it like 2026-11-21.") from None


def _ask_about_followers(company: Company, values: dict[str, Any]) -> None:
    """Refuse a changed billing address until the people it changes have been seen."""
    before = {field: getattr(company, field) or "" for field in rules.BILLING}
    if all((values.get(field) or "").strip() == before[field] for field in rules.BILLING):
        return
    followers = queries.address_followers(company.id)
    if not followers.changing:
        return
    names = ", ".join(followers.changing[:10])
    more = len(followers.changing) - 10
    keep = "keeps" if len(followers.keeping) == 1 else "keep"
    raise RuleError(
        f"The new address changes {_people(len(followers.changing))}: {names}"
        + (f" and {more} more" if more > 0 else "")
        + f"; {_people(len(followers.keeping))} {keep} their own."
        " Tick the box below the address and save again."
    )


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"
