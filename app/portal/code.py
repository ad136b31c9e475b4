"""The second step: a code of an authenticator app, asked for at the door, set up on the profile."""

from typing import Any

from flask import flash, redirect, render_template, request, session, url_for

from app.companies import accounts, second_step
from app.companies.account_models import PortalAccount
from app.core import clock, totp
from app.core.errors import RuleError
from app.core.language import gettext as _
from app.core.language import ngettext, told
from app.core.posting import unit_of_work
from app.core.targets import local_or
from app.portal import blueprint, client, door

HALF_WAY = "half_way"
NEW_SECRET = "new_secret"  # noqa: S105 - the name of a key
PATIENCE = 10 * 60  # seconds between the first step and the second


def enter(account: PortalAccount, *, how: str, target: str, said: str = "") -> Any:
    """Begin a session for somebody who took the first step, or ask for the second.

    `said` is told in the new session: what was flashed before ends with the old one.
    """
    if account.totp_secret is not None:
        session.clear()
        session[HALF_WAY] = {
            "contact": account.contact_id,
            "epoch": account.epoch,
            "at": int(clock.now().timestamp()),
            "how": how,
            "target": target,
        }
        _tell(said, "success")
        return redirect(url_for("door.code"))
    with unit_of_work():
        accounts.entered(account, how=how)
    client.begin_session(account)
    _tell(said, "success")
    return redirect(target)


def _tell(text: str, kind: str) -> None:
    if text:
        flash(told(text), kind)


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
        had = len(account.recovery_codes)
        if second_step.passes(account, request.form.get("code", "")):
            left = len(account.recovery_codes)
            with unit_of_work():
                accounts.entered(account, how=half_way["how"])
            client.begin_session(account)
            _tell(_left(left) if left < had else "", "warning")
            return redirect(local_or(half_way["target"], url_for("portal.home")))
        flash(told(second_step.why_refused(account)), "warning")
        status = 401
    return render_template("portal/code.html"), status


@blueprint.route("/profile/code", methods=["GET", "POST"])
def code_setup() -> Any:
    """Show a new secret and confirm it by a code; or, when it is on, switch it off by one.

    Switching it on, and asking for new ones, shows the recovery codes this once.
    """
    me = client.current()
    if request.method == "GET":
        if me.account.totp_secret is None and NEW_SECRET not in session:
            session[NEW_SECRET] = second_step.sealed_secret()
        return _setup_page(me)
    try:
        codes = _change(me, request.form.get("code", ""))
    except RuleError as error:
        return _setup_page(me, error.problems), 422
    client.begin_session(me.account)
    if codes:
        flash(_("We ask for a code when you sign in."), "success")
        return render_template("portal/code_codes.html", me=me, codes=codes)
    flash(_("We ask for no code any more."), "success")
    return redirect(url_for("portal.profile"))


def _change(me: client.Client, code: str) -> tuple[str, ...]:
    """Switch it on or off, or make new recovery codes; returns those to be shown."""
    if me.account.totp_secret is None:
        with unit_of_work():
            return second_step.switch_on(me.account, session.get(NEW_SECRET, ""), code)
    if not second_step.passes(me.account, code):
        raise RuleError(second_step.why_refused(me.account))
    with unit_of_work():
        if request.form.get("do") == "codes":
            return second_step.new_recovery_codes(me.account)
        second_step.switch_off(me.account)
    return ()


def _left(count: int) -> str:
    if not count:
        return _("No recovery code is left. Make new ones in your profile, under code at sign-in.")
    return ngettext(
        "1 recovery code is left. Make new ones in your profile, under code at sign-in.",
        "%(num)s recovery codes are left. Make new ones in your profile, under code at sign-in.",
        count,
    )


def _setup_page(me: client.Client, problems: tuple[str, ...] = ()) -> str:
    sealed = session.get(NEW_SECRET, "")
    secret = second_step.shown(sealed) if sealed and me.account.totp_secret is None else ""
    return render_template(
        "portal/code_setup.html",
        me=me,
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        address=totp.uri(secret, account=me.email, issuer=me.agency.name) if secret else "",
        picture=totp.picture,
        problems=problems,
    )
