"""The second step: a code of an authenticator app, asked for at the door, set up on the profile."""

from typing import Any

from flask import flash, redirect, render_template, request, session, url_for

from app.companies import accounts, second_step
from app.companies.account_models import PortalAccount
from app.core import clock, totp
from app.core.errors import RuleError
from app.core.posting import unit_of_work
from app.core.targets import local_or
from app.portal import blueprint, client, door

HALF_WAY = "half_way"
NEW_SECRET = "new_secret"  # noqa: S105 - the name of a key
PATIENCE = 10 * 60  # seconds between the first step and the second


def enter(account: PortalAccount, *, how: str, target: str) -> Any:
    """Begin a session for somebody who took the first step, or ask for the second."""
    if account.totp_secret is not None:
        session.clear()
        session[HALF_WAY] = {
            "contact": account.contact_id,
            "epoch": account.epoch,
            "at": int(clock.now().timestamp()),
            "how": how,
            "target": target,
        }
        return redirect(url_for("door.code"))
    with unit_of_work():
        accounts.entered(account, how=how)
    client.begin_session(account)
    return redirect(target)


@door.route("/sign-in/code", methods=["GET", "POST"])
def code() -> Any:
    """Ask for the code; who has not taken the first step begins there."""
    half_way = session.get(HALF_WAY) or {}
    fresh = int(clock.now().timestamp()) - half_way.get("at", 0) <= PATIENCE
    found = (
        accounts.account_of_session(half_way["contact"], half_way["epoch"])
        if half_way and fresh
        else None
    )
    if found is None:
        return redirect(url_for("door.sign_in"))
    status = 200
    if request.method == "POST":
        account = found[0]
        if second_step.passes(account, request.form.get("code", "")):
            with unit_of_work():
                accounts.entered(account, how=half_way["how"])
            client.begin_session(account)
            return redirect(local_or(half_way["target"], url_for("portal.home")))
        flash(second_step.WRONG, "warning")
        status = 401
    return render_template("portal/code.html"), status


@blueprint.route("/profile/code", methods=["GET", "POST"])
def code_setup() -> Any:
    """Show a new secret and confirm it by a code; or, when it is on, switch it off by one."""
    me = client.current()
    if request.method == "GET":
        if me.account.totp_secret is None and NEW_SECRET not in session:
            session[NEW_SECRET] = second_step.sealed_secret()
        return _setup_page(me)
    try:
        said = _switch_off(me) if me.account.totp_secret is not None else _switch_on(me)
    except RuleError as error:
        return _setup_page(me, error.problems), 422
    client.begin_session(me.account)
    flash(said, "success")
    return redirect(url_for("portal.profile"))


def _switch_on(me: client.Client) -> str:
    sealed = session.get(NEW_SECRET, "")
    with unit_of_work():
        second_step.switch_on(me.account, sealed, request.form.get("code", ""))
    return "From now on we ask for a code when you sign in."


def _switch_off(me: client.Client) -> str:
    if not second_step.passes(me.account, request.form.get("code", "")):
        raise RuleError(second_step.WRONG)
    with unit_of_work():
        second_step.switch_off(me.account)
    return "We ask for no code any more."


def _setup_page(me: client.Client, problems: tuple[str, ...] = ()) -> str:
    sealed = session.get(NEW_SECRET, "")
    secret = second_step.shown(sealed) if sealed and me.account.totp_secret is None else ""
    return render_template(
        "portal/code_setup.html",
        me=me,
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        address=totp.uri(secret, account=me.email, issuer=me.agency.name) if secret else "",
        problems=problems,
    )
