"""One search over tickets, what was said on them, companies, contacts, files and invoices."""

from dataclasses import dataclass

from flask import redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app.core.access import Viewer
from app.core.lookups import LOOKUPS, Lookup, offer
from app.core.search import number_of
from app.core.security import may, requires
from app.desk import blueprint, home_queries
from app.desk.at_desk import own_zone
from app.desk.shell import url_or_none
from app.tickets import search_queries
from app.tickets.search_queries import Found, Hit

# Kind, heading, and what one must be allowed to see.
PLACES = (
    ("tickets", "Tickets", "Tickets"),
    ("messages", "Messages", "Tickets"),
    ("companies", "Companies", "Companies"),
    ("contacts", "Contacts", "Contacts"),
    ("files", "Files", "Tickets"),
    ("invoices", "Invoices", "Invoices"),
)
MOST_OFFERED = 5

offer("invoice", Lookup("Invoices", home_queries.invoice_search, home_queries.invoice_found))


@dataclass(frozen=True, slots=True)
class Group:
    """The hits of one kind, each with its address."""

    kind: str
    heading: str
    hits: list[tuple[Hit, str]]
    more: bool


@blueprint.get("/search")
@requires("see", "Home")
def search() -> str | Response:
    """List what fits, or one kind of it; a ticket's number leads straight to it."""
    text = request.args.get("q", "").strip()[:200]
    if "HX-Request" in request.headers:
        groups = _groups(text, "", most=MOST_OFFERED)
        return render_template("desk/search_offer.html", text=text, groups=groups)
    groups = _groups(text, request.args.get("kind", ""), most=search_queries.MOST)
    number = number_of(text)
    if number is not None and (found := _ticket(groups, number)):
        return redirect(found)
    return render_template(
        "desk/search.html",
        text=text,
        groups=groups,
        kind=request.args.get("kind", ""),
        zone=own_zone(),
    )


def _groups(text: str, kind: str, *, most: int) -> list[Group]:
    allowed = [(name, heading) for name, heading, resource in PLACES if may("see", resource)]
    wanted = {name for name, _ in allowed} & ({kind} if kind else {name for name, _ in allowed})
    viewer = Viewer(kind="staff", id=current_user.id)
    found = search_queries.search(viewer, text, kinds=wanted, most=most)
    if "invoices" in wanted and (invoices := _invoices(text, most)):
        found["invoices"] = invoices
    return [
        Group(name, heading, [(hit, _url(name, hit)) for hit in found[name].hits], found[name].more)
        for name, heading in allowed
        if name in found
    ]


def _invoices(text: str, most: int) -> Found | None:
    rows = LOOKUPS["invoice"].find(text) if text else []
    hits = [Hit(row.id, row.text, note=row.note) for row in rows[:most]]
    return Found(hits, len(rows) > most) if hits else None


def _ticket(groups: list[Group], number: int) -> str:
    """Return the page of the ticket whose very number was typed, or nothing."""
    for group in groups:
        for hit, url in group.hits:
            if group.kind == "tickets" and hit.number == number:
                return url
    return ""


def _url(kind: str, hit: Hit) -> str:
    if kind == "messages":
        here = url_for("tickets.show", number=hit.number, earlier=hit.id + 1)
        return f"{here}#e{hit.id}"
    if kind == "tickets":
        return url_for("tickets.show", number=hit.number)
    if kind == "files":
        return url_for("tickets.attachment", attachment_id=hit.id)
    endpoint, part = {
        "companies": ("CompanyView.show", "pk"),
        "contacts": ("ContactView.show", "pk"),
        "invoices": ("billing.invoice", "document_id"),
    }[kind]
    return url_or_none(endpoint, **{part: hit.id}) or ""
