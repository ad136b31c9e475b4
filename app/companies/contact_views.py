"""FAB screens of contacts: list, page, form, places in companies."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response
from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from app.companies import accounts, people, queries, rules
from app.companies.models import ADDRESS_PARTS, ROLES, Contact, ContactEmail, Membership
from app.companies.views import address_fields, chosen, language_field
from app.core import forms
from app.core.acting import current_actor
from app.core.crud import DeskInterface, DeskModelView
from app.core.db import unit_of_work
from app.core.errors import RuleError
from app.core.language import OFFERED
from app.core.lookups import Lookup, LookupField, offer

READING = ("zone", "language")
ROLE_CHOICES = [(role, role.capitalize()) for role in ROLES]

offer("contact", Lookup("Contacts", queries.contact_search, queries.contact_found))


class ContactView(DeskModelView):
    """The people of companies."""

    resource = "Contacts"
    route_base = "/contacts"
    datamodel = DeskInterface(
        Contact,
        loads=(
            selectinload(Contact.emails),
            selectinload(Contact.memberships).joinedload(Membership.company),
        ),
    )
    list_title = "Contacts"
    add_title = "New contact"
    edit_title = "Change contact"
    show_template = "companies/contact.html"
    base_order = ("name_key", "asc")
    list_columns = ["name", "title", "memberships", "emails", "phone", "archived_at"]
    show_columns = ["name"]
    order_columns = ["name", "title", "archived_at"]
    search_columns = ["name", "phone", "title", "city", "country"]
    label_columns = {
        **{field: rules.label(field) for field in rules.CONTACT_FIELDS},
        "memberships": "Companies",
        "emails": "E-mail",
        "archived_at": "Archived",
    }
    formatters_columns = {
        "archived_at": lambda at: "Archived" if at else "",
        "emails": lambda rows: next((_reached(one) for one in rows if one.is_primary), ""),
        "memberships": lambda rows: ", ".join(dict.fromkeys(one.company.name for one in rows)),
    }
    edit_columns = [*rules.CONTACT_FIELDS, "addresses"]
    add_columns = [*edit_columns, "company_id", "role"]
    edit_form_extra_fields = {
        "name": StringField("Name"),
        "addresses": TextAreaField(
            "E-mail addresses", description="One a line; the first is the primary one."
        ),
        "use_company_address": BooleanField(
            "Use the company's address",
            default=True,
            description="Then it follows the company's; an own one is kept, hidden.",
        ),
        "zone": StringField("Time zone", description="Such as Europe/Oslo."),
        "language": language_field("In which we write to this person; they may choose another."),
        **address_fields(""),
    }
    add_form_extra_fields = {
        **edit_form_extra_fields,
        "company_id": LookupField("Company", entity="company"),
        "role": SelectField("Role", choices=[SelectChoice(*choice) for choice in ROLE_CHOICES]),
    }
    edit_fieldsets = [
        ("Person", {"fields": ["name", "title", "addresses", "phone", *READING]}),
        ("Address", {"fields": ["use_company_address", *ADDRESS_PARTS]}),
    ]
    add_fieldsets = [
        (
            "Person",
            {"fields": ["name", "company_id", "role", "title", "addresses", "phone", *READING]},
        ),
        edit_fieldsets[1],
    ]

    def prefill_form(self, form: Any, pk: Any) -> None:
        """Put the e-mails into their field, the primary one first."""
        emails = sorted(self._item(pk).emails, key=lambda one: not one.is_primary)
        form.addresses.data = "\n".join(one.address for one in emails)

    def create(self, values: dict[str, Any]) -> Contact:
        return people.create_contact(
            current_actor(),
            values,
            emails=(values["addresses"] or "").splitlines(),
            company_id=values["company_id"],
            role=values["role"] or "",
        )

    def change(self, item: Contact, values: dict[str, Any]) -> None:
        people.change_contact(
            current_actor(), item, values, emails=(values["addresses"] or "").splitlines()
        )

    def remove(self, item: Contact) -> None:
        people.remove_contact(current_actor(), item)

    @expose("/show/<pk>", methods=["GET"])
    @has_access
    def show(self, pk: str) -> str:
        """Show the page of a contact: e-mails, companies, the address in force."""
        contact = people.contact_of(self._item(pk).id)
        return self.render_template(
            self.show_template,
            contact=contact,
            account=accounts.account_of(contact.id),
            roles=ROLE_CHOICES,
            parts=ADDRESS_PARTS,
            languages=OFFERED,
            new_nonce=forms.new_nonce,
        )

    @expose("/<int:pk>/archive", methods=["POST"])
    @has_access
    @permission_name("edit")
    def archive(self, pk: int) -> Response:
        """Take a contact out of use, or with `?restore=1` put it back; twice is once."""
        with unit_of_work():
            contact = people.contact_of(pk)
            if "restore" not in request.args:
                people.archive_contact(current_actor(), contact)
                flash(f"{contact.name} is archived.", "success")
            else:
                people.restore_contact(current_actor(), contact)
                flash(f"{contact.name} is in use again.", "success")
        return redirect(url_for("ContactView.show", pk=pk))

    @expose("/<int:pk>/reached", methods=["POST"])
    @has_access
    @permission_name("edit")
    def reached(self, pk: int) -> Response:
        """Note that mails to an address no longer come back."""
        address = request.form.get("address", "")
        with unit_of_work():
            people.mark_reached(current_actor(), people.contact_of(pk), address)
        flash(f"Noted: {address} takes mails again.", "success")
        return redirect(url_for("ContactView.show", pk=pk))

    @expose("/<int:pk>/companies", methods=["POST"])
    @has_access
    @permission_name("edit")
    def places(self, pk: int) -> Response:
        """Add a role in a company, take one away, or make one the primary."""
        try:
            with unit_of_work():
                _change_places(people.contact_of(pk))
        except RuleError as error:
            for problem in error.problems:
                flash(problem, "danger")
        else:
            flash("Saved.", "success")
        return redirect(url_for("ContactView.show", pk=pk, _anchor="companies"))


def _reached(one: ContactEmail) -> str:
    return f"{one.address} (mails come back)" if one.bounced_at else one.address


def _change_places(contact: Contact) -> None:
    actor = current_actor()
    if leaving := request.form.get("leave", type=int):
        people.leave_company(actor, contact, leaving)
    elif primary := request.form.get("primary", type=int):
        people.make_primary(actor, contact, primary)
    else:
        company_id = chosen("company", "company", "Company")
        people.join_company(actor, contact, company_id, role=request.form.get("role", ""))
