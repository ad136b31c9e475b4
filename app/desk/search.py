"""One search over tickets, companies, contacts and invoices, by what one may see."""

import re
from dataclasses import dataclass

from flask import Response, redirect, render_template, request

from app.core.lookups import LOOKUPS, Found, Lookup, offer
from app.core.security import may, requires
from app.desk import blueprint, home_queries
from app.desk.shell import url_or_none

# Heading, entity of the look-up, endpoint of a row, and the name of its argument.
PLACES = (
    ("Tickets", "ticket", "tickets.show", "number"),
    ("Companies", "company", "CompanyView.show", "pk"),
    ("Contacts", "contact", "ContactView.show", "pk"),
    ("Invoices", "invoice", "billing.invoice", "document_id"),
)

offer("invoice", Lookup("Invoices", home_queries.invoice_search, home_queries.invoice_found))


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that fits, and where it is."""

    text: str
    note: str
    url: str


@blueprint.get("/search")
@requires("see", "Home")
def search() -> str | Response:
    """List what fits; a ticket's number leads straight to it."""
    text = request.args.get("q", "").strip()
    ticket = _ticket_of(text)
    if ticket:
        return redirect(ticket)  # type: ignore[return-value]
    found = [
        (
            heading,
            [Hit(row.text, row.note, _url(endpoint, part, row)) for row in _rows(entity, text)],
        )
        for heading, entity, endpoint, part in PLACES
    ]
    return render_template(
        "desk/search.html", text=text, found=[(heading, hits) for heading, hits in found if hits]
    )


def _ticket_of(text: str) -> str:
    """Return the page of the ticket whose very number was typed, or nothing."""
    number = re.fullmatch(r"#?(\d{1,18})", text)
    if number is None or not may("see", "Tickets"):
        return ""
    for row in LOOKUPS["ticket"].find(text):
        if row.text.startswith(f"#{number.group(1)} "):
            return _url("tickets.show", "number", row)
    return ""


def _rows(entity: str, text: str) -> list[Found]:
    lookup = LOOKUPS[entity]
    return lookup.find(text) if text and may("see", lookup.resource) else []


def _url(endpoint: str, part: str, row: Found) -> str:
    value = row.text[1:].partition(" ")[0] if part == "number" else row.id
    return url_or_none(endpoint, **{part: value}) or ""
