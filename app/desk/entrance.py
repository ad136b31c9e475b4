"""Before one is signed in: choosing a password by a mailed link, and asking for such a link.

What is answered never tells whether an address is known.
"""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_limiter import Limiter

from app.core.db import unit_of_work, with_retry
from app.core.errors import RuleError
from app.core.onetime import SpentLinkError
from app.core.signin import start_session
from app.staff import invitations, links
from app.staff.models import StaffLink

blueprint = Blueprint("entrance", __name__, url_prefix="/login")

RATE = "10 per minute"
LONGEST_EMAIL = 254
NO_ADDRESS = "Write your e-mail address here, such as name@example.com; the link goes to it."


def limit(limiter: Limiter) -> None:
    """Limit what is sent here by address, unless it leads on."""
    limiter.limit(
        RATE,
        methods=["POST"],
        deduct_when=lambda answer: answer.status_code != HTTPStatus.FOUND,
    )(blueprint)


@blueprint.route("/forgotten", methods=["GET", "POST"])
def forgotten() -> Any:
    """Have a link mailed by which a new password is chosen."""
    email = request.form.get("email", "").strip()
    if request.method == "GET":
        return render_template("desk/entrance/forgotten.html", email="")
    is_address = "@" in email.strip("@") and len(email) <= LONGEST_EMAIL and email.isprintable()
    if not is_address:
        page = render_template("desk/entrance/forgotten.html", email=email, missing=NO_ADDRESS)
        return page, 422
    with unit_of_work():
        invitations.ask_for_link(email)
    return render_template("desk/entrance/sent.html", email=email)


@blueprint.route("/link/<secret>", methods=["GET", "POST"])
def follow(secret: str) -> Any:
    """A form for the password; only sending it uses the link up, and signs its person in."""
    link = links.find(secret)
    if link is None:
        return render_template("desk/entrance/unknown.html"), 404
    if not links.is_live(link):
        return _spent(link)
    if request.method == "GET":
        return _form(link)

    def choose() -> Any:
        with unit_of_work():
            return invitations.choose_password(link, request.form.get("password", ""))

    try:
        user = with_retry(choose)
    except SpentLinkError:
        return _spent(link)
    except RuleError as error:
        return _form(link, error.problems), 422
    start_session(user)
    flash("Your password is set.", "success")
    return redirect(url_for("desk.home"))


def _form(link: StaffLink, problems: tuple[str, ...] = ()) -> str:
    return render_template("desk/entrance/choose.html", link=link, problems=problems)


def _spent(link: StaffLink) -> tuple[str, int]:
    return render_template(
        "desk/entrance/spent.html", link=link, is_theirs=links.is_theirs(link)
    ), 410
