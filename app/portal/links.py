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


# What to do where no new link is mailed.
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
    if not links.is_live(link):
        return _spent(link, secret)
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
        accounts.renew(link)
    text = _("If this access still stands, a new link is on its way to the address of the old one.")
    return render_template("portal/sent.html", text=text, email="")


def _spent(link: PortalToken, secret: str) -> Any:
    is_theirs = links.is_theirs(link)
    return (
        render_template(
            "portal/link_spent.html",
            purpose=FOR[link.purpose],
            is_given_up=not is_theirs,
            is_used=link.used_at is not None,
            secret=secret,
            asks_again=link.purpose == "registration" and link.used_at is None,
            may_renew=link.contact_id is not None and is_theirs and link.purpose != "email",
            leads_to_profile=link.purpose == "email",
            next_step=NEXT_STEPS.get(link.purpose, ""),
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
            accounts.set_password(account, password, email=link.email)
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
        accounts.set_password(account, request.form.get("password", ""), email=link.email)
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
    said = say("Your new e-mail address is confirmed. Sign in with it from now on.")
    return code.enter(account, how="address", target=url_for("portal.profile"), said=said)


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
