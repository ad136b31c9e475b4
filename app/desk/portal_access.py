"""Who of the clients may come in: invitations, registrations that wait, domains of companies."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.companies import account_queries, accounts, commands, domains, people, registrations
from app.core import clock, forms
from app.core.acting import current_actor
from app.core.db import unit_of_work, with_retry
from app.core.errors import RuleError
from app.core.security import requires
from app.desk.lookup_forms import looked_up
from app.desk.posting import carry_out, refused

DECIDED = 20
INVITED = 100
blueprint = Blueprint("portal_access", __name__)


@blueprint.get("/registrations")
@requires("see", "Contacts")
def waiting() -> str:
    """Registrations that wait for a decision, each with the companies it may mean; invitations."""
    return _waiting()


def _waiting(refused: int | None = None, problems: tuple[str, ...] = ()) -> str:
    """The page; with what was sent about the registration that was `refused` in vain."""
    pending = registrations.pending()
    return render_template(
        "desk/registrations.html",
        pending=[
            (one, domains.suggested(one.email, one.company_name), registrations.known_person(one))
            for one in pending
        ],
        invited=account_queries.invited(most=INVITED),
        now=clock.now(),
        decided=registrations.decided(most=DECIDED),
        refused=refused,
        reason=request.form.get("reason", ""),
        new_name=request.form.get("new_name", ""),
        problems=[
            (f"{'new' if 'new_name' in request.form else 'reason'}-{refused}", problem)
            for problem in problems
        ],
        nonce=forms.new_nonce,
    )


@blueprint.post("/registrations/<int:registration_id>/approve")
@requires("edit", "Contacts")
def approve(registration_id: int) -> Any:
    """Let somebody in: to the company suggested, another one, or a new one."""
    here = url_for("portal_access.waiting")

    def act() -> tuple[str, str]:
        new_name = request.form.get("new_name", "")
        suggested = request.form.get("suggested", type=int)
        if suggested is not None:
            done = registrations.approve_suggested(
                current_actor(),
                registration_id,
                company_id=suggested,
                checked=request.form.get("checked") == "y",
            )
        else:
            done = registrations.approve(
                current_actor(),
                registration_id,
                company_id=None if new_name.strip() else looked_up("company"),
                new_name=new_name,
            )
        return here, f"{done.name} is invited."

    def again(error: RuleError) -> tuple[str, int]:
        return _waiting(registration_id, error.problems), 422

    return carry_out(act, back=here, again=again if "new_name" in request.form else None)


@blueprint.post("/registrations/<int:registration_id>/reject")
@requires("edit", "Contacts")
def reject(registration_id: int) -> Any:
    """Refuse somebody, who is told why."""
    here = url_for("portal_access.waiting")

    def act() -> tuple[str, str]:
        done = registrations.reject(
            current_actor(), registration_id, reason=request.form.get("reason", "")
        )
        return here, f"{done.name} is told that no account is opened."

    return carry_out(
        act, back=here, again=lambda error: (_waiting(registration_id, error.problems), 422)
    )


@blueprint.post("/contacts/<int:pk>/portal")
@requires("edit", "Contacts")
def access(pk: int) -> Any:
    """Invite a contact, sign them out everywhere, or take the access away."""
    here = url_for("ContactView.show", pk=pk, _anchor="portal")
    if request.form.get("from") == "registrations":
        here = url_for("portal_access.waiting", _anchor="invited-title")

    def change() -> tuple[str, str]:
        contact = people.contact_of(pk)
        if request.form.get("do") == "close":
            accounts.close(current_actor(), contact)
            return here, f"{contact.name} can no longer sign in."
        if request.form.get("do") == "sign_out":
            accounts.sign_out(current_actor(), contact)
            return here, f"{contact.name} is signed out everywhere."
        accounts.invite(current_actor(), contact)
        return here, f"{contact.name} is invited: the mail is on its way."

    return carry_out(change, back=here)


@blueprint.post("/companies/<int:pk>/domains")
@requires("edit", "Companies")
def company_domains(pk: int) -> Response:
    """Add a mail domain to a company, or remove one."""
    here = url_for("CompanyView.show", pk=pk, _anchor="domains")

    def change() -> None:
        with unit_of_work():
            company = commands.company_of(pk)
            gone = request.form.get("remove", type=int)
            if gone is not None:
                domains.remove(current_actor(), company, gone)
            else:
                domains.add(
                    current_actor(),
                    company,
                    request.form.get("domain", ""),
                    verified=request.form.get("verified") == "y",
                )

    try:
        with_retry(change)
    except RuleError as error:
        return refused(error, back=here)
    flash("Saved.", "success")
    return redirect(here)
