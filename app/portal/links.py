"""Mailed links. A GET only shows what a link would do; a POST does it, once."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for

from app.companies import accounts, links, profile, registrations
from app.companies.account_models import PortalAccount, PortalToken
from app.core import language
from app.core.errors import RuleError
from app.core.language import gettext as _
from app.core.posting import unit_of_work, with_retry
from app.core.targets import local_or
from app.core.words import by_field, say
from app.portal import client, code, door, reader

# What a link was for.
FOR = {
    "invitation": say("It was to join the portal."),
    "registration": say("It was to confirm your e-mail address."),
    "sign_in": say("It was to sign you in."),
    "reset": say("It was to choose a new password."),
    "email": say("It was to confirm your new e-mail address."),
}


# What to do where a used one is followed.
NEXT_STEPS = {
    "email": say("Your profile says which address you use; there you ask for another link."),
    "registration": say("If you confirmed your address already, wait for our mail, or sign in."),
}


@door.route("/link/<secret>", methods=["GET", "POST"])
def follow(secret: str) -> Any:
    """What the link is for, with one button; a spent one offers a new one."""
    link = links.find(secret)
    if link is None:
        return render_template("portal/link_unknown.html"), 404
    reader.follow(link.contact_id)
    if elsewhere := _spent(link, secret) if not links.is_live(link) else _not_theirs(link):
        return elsewhere
    if request.method == "GET":
        return _page(link, secret)
    try:
        return with_retry(lambda: ACTIONS[link.purpose](link))
    except links.SpentLinkError:
        return _spent(link, secret)
    except RuleError as error:
        return _page(link, secret, error.problems), 422


@door.route("/link/<secret>/again", methods=["GET", "POST"])
def again(secret: str) -> Any:
    """Mail a new link in place of a spent one; the answer is the same whatever becomes of it."""
    if request.method == "GET":
        return redirect(url_for("door.follow", secret=secret))
    link = links.find(secret)
    if link is None:
        return render_template("portal/link_unknown.html"), 404
    reader.follow(link.contact_id)
    with unit_of_work():
        RENEWALS.get(link.purpose, accounts.renew)(link)
    text = _("If this access still stands, a new link is on its way to the address of the old one.")
    return render_template("portal/sent.html", text=text, email="")


def _not_theirs(link: PortalToken) -> Any:
    """Where others go than the contact of a link to a new address, which may be mistyped."""
    me = client.current_or_none()
    if link.purpose != links.NEW_ADDRESS or (me is not None and me.id == link.contact_id):
        return None
    if me is not None:
        flash(_("This link is of another account than the one that is signed in."), "warning")
        return redirect(url_for("portal.profile"))
    flash(_("Sign in with your present address first; then confirm the new one."), "info")
    return redirect(url_for("door.sign_in", next=request.path))


def _spent(link: PortalToken, secret: str) -> Any:
    is_theirs = links.is_theirs(link)
    is_over = link.used_at is None
    return (
        render_template(
            "portal/link_spent.html",
            purpose=FOR[link.purpose],
            is_given_up=not is_theirs,
            is_used=not is_over,
            secret=secret,
            may_renew=is_over if link.purpose in RENEWALS else is_theirs,
            leads_to_profile=link.purpose == links.NEW_ADDRESS,
            next_step="" if is_over else NEXT_STEPS.get(link.purpose, ""),
        ),
        410,
    )


def _page(link: PortalToken, secret: str, problems: tuple[str, ...] = ()) -> str:
    company = None
    if link.registration is not None:
        company = registrations.would_join(link.registration)
    elif link.contact is not None and link.purpose == "invitation":
        company = next((one.company for one in link.contact.memberships if one.is_primary), None)
    return render_template(
        f"portal/link_{link.purpose}.html",
        link=link,
        secret=secret,
        company=company,
        before=_address_before(link),
        problems=problems,
        faults=by_field(problems),
        typed=request.form,
    )


def _address_before(link: PortalToken) -> str:
    """The address that a new one takes the place of; empty for links of other kinds."""
    if link.purpose != "email" or link.contact is None:
        return ""
    return next((one.address for one in link.contact.emails if one.is_primary), "")


def _invitation(link: PortalToken) -> Any:
    """Come in with a password of one's own, or without one by this link."""
    password = request.form.get("password", "")
    with unit_of_work():
        links.take(link)
        account = _account(link)
        contact = account.contact
        name = " ".join(request.form.get("name", "").split())
        if name and name != contact.name:
            profile.rename(accounts.acting(contact), contact, name)
        profile.read_in(contact, language.best(request.accept_languages))
        if password or request.form.get("how") != "link":
            accounts.set_password(account, password, email=link.email, by_link=True)
        accounts.confirm_address(contact, link.email)
    return code.enter(account, how="joined", target=_target(link))


def _sign_in(link: PortalToken) -> Any:
    with unit_of_work():
        links.take(link)
        account = _account(link)
        accounts.confirm_address(account.contact, link.email)
    return code.enter(account, how="sign_in_link", target=_target(link))


def _reset(link: PortalToken) -> Any:
    with unit_of_work():
        links.take(link)
        account = _account(link)
        password = request.form.get("password", "")
        accounts.set_password(account, password, email=link.email, by_link=True)
        accounts.confirm_address(account.contact, link.email)
    said = say("Your new password is set. You are signed out everywhere else.")
    return code.enter(account, how="reset", target=_target(link), said=said)


def _registration(link: PortalToken) -> Any:
    with unit_of_work():
        account = registrations.confirm(link, password=request.form.get("password") or None)
        if account is not None:
            accounts.entered(account, how="joined")
    if account is None:
        return render_template("portal/registered.html", registration=link.registration)
    client.begin_session(account)
    flash(_("Welcome. Your account is open."), "success")
    return redirect(url_for("portal.home"))


def _email(link: PortalToken) -> Any:
    with unit_of_work():
        links.take(link)
        account = _account(link)
        profile.make_primary(account, link.email, keeps_old="keep" in request.form)
    client.begin_session(account)
    flash(_("Your new e-mail address is confirmed. Sign in with it from now on."), "success")
    return redirect(url_for("portal.profile"))


def _account(link: PortalToken) -> PortalAccount:
    """The open account a link belongs to; a link of somebody who may not come in is spent."""
    account = accounts.account_of(link.contact_id) if link.contact_id else None
    if account is None or account.closed_at is not None or account.contact.archived_at is not None:
        raise links.SpentLinkError(say("This access no longer stands."))
    return account


def _target(link: PortalToken) -> str:
    target = local_or(link.target, url_for("portal.home"))
    return target if target.startswith("/portal/") else url_for("portal.home")


ACTIONS = {
    "invitation": _invitation,
    "sign_in": _sign_in,
    "reset": _reset,
    "registration": _registration,
    "email": _email,
}
# Links of which a new one is mailed while the old one's time is over, and it was never used.
RENEWALS = {
    "registration": registrations.renew,
    "email": profile.renew,
}
