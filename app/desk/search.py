"""One search over tickets, what was said on them, companies, contacts, files and invoices.

It is the palette, too: it finds pages and actions by name, and a first sign says what is meant.
"""

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
from app.desk.shell import Link, named, url_or_none
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
SIGNS = {"#": "tickets", "@": "contacts", "$": "invoices", ">": "pages"}
SHORTEST_NAME = 2

offer("invoice", Lookup("Invoices", home_queries.invoice_search, home_queries.invoice_found))


@dataclass(frozen=True, slots=True)
class Group:
    """The hits of one kind, each with its address."""

    kind: str
    heading: str
    hits: list[tuple[Hit, str]]
    more: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed: the words, and the one kind of thing that is meant, if any."""

    words: str
    kind: str = ""


def _asked(typed: str) -> Asked:
    kind = SIGNS.get(typed[:1], "")
    return Asked(typed[1:].strip(), kind) if kind else Asked(typed, request.args.get("kind", ""))


@blueprint.get("/search")
@requires("see", "Home")
def search() -> str | Response:
    """List what fits, or one kind of it; a ticket's number leads to it, `>` to the page named."""
    text = request.args.get("q", "").strip()[:200]
    asked = _asked(text)
    pages = _pages(asked)
    if "HX-Request" in request.headers:
        groups = _groups(asked, most=MOST_OFFERED)
        return render_template(
            "desk/search_offer.html", text=text, groups=groups, pages=pages[:MOST_OFFERED]
        )
    if pages and asked.kind == "pages":
        return redirect(pages[0].url)
    groups = _groups(asked, most=search_queries.MOST)
    number = number_of(asked.words)
    if number is not None and (found := _ticket(groups, number)):
        return redirect(found)
    return render_template(
        "desk/search.html",
        text=text,
        groups=groups,
        pages=pages,
        kind=asked.kind,
        zone=own_zone(),
    )


def _pages(asked: Asked) -> list[Link]:
    """Pages and actions by name: all of them where only those are meant."""
    if asked.kind == "pages":
        return named(asked.words)
    return [] if asked.kind or len(asked.words) < SHORTEST_NAME else named(asked.words)


def _groups(asked: Asked, *, most: int) -> list[Group]:
    allowed = [(name, heading) for name, heading, resource in PLACES if may("see", resource)]
    names = {name for name, _ in allowed}
    wanted = names & {asked.kind} if asked.kind else names
    viewer = Viewer(kind="staff", id=current_user.id)
    found = search_queries.search(viewer, asked.words, kinds=wanted, most=most)
    if "invoices" in wanted and (invoices := _invoices(asked.words, most)):
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
