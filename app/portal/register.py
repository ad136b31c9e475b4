"""Asking for an account. Everybody is answered alike, known or not."""

from typing import Any

from flask import render_template, request

from app.companies import registrations
from app.companies.models import ADDRESS_PARTS
from app.core import language
from app.core.errors import RuleError
from app.core.language import gettext as _
from app.core.posting import unit_of_work
from app.core.words import by_field
from app.portal import door


@door.route("/register", methods=["GET", "POST"])
def register() -> Any:
    """Complete this form to receive your account."""
    typed = request.form.to_dict()
    if request.method == "GET":
        return _form(typed)
    uses_company_address = typed.get("use_company_address", "yes") == "yes"
    given: dict[str, Any] = {"phone": typed.get("phone", "")}
    given["use_company_address"] = uses_company_address
    if not uses_company_address:
        given |= {part: typed.get(part, "") for part in ADDRESS_PARTS}
    try:
        with unit_of_work():
            registrations.register(
                email=typed.get("email", ""),
                name=typed.get("name", ""),
                company_name=typed.get("company", ""),
                given=given,
                language=language.best(request.accept_languages),
            )
    except RuleError as error:
        return _form(typed, error.problems), 422
    text = _("Thank you. A mail with your next step is on its way to this address.")
    return render_template("portal/sent.html", text=text, email=typed.get("email", ""))


def _form(typed: dict[str, str], problems: tuple[str, ...] = ()) -> str:
    return render_template(
        "portal/register.html",
        typed=typed,
        problems=problems,
        faults=by_field(problems),
        parts_of_address=ADDRESS_PARTS,
    )
