"""Every part of the pages in each of its states, for those who build pages and those who check."""

from flask import Blueprint, flash, render_template, request

from app.core.security import requires

blueprint = Blueprint("styleguide", __name__)

STATES = (
    ("open", "Open"),
    ("in_progress", "In progress"),
    ("waiting", "Waiting for you since Tuesday"),
    ("completed", "Completed"),
    ("overdue", "Overdue by 12 days"),
    ("draft", "Draft"),
    ("issued", "Issued"),
    ("part_paid", "Part paid"),
    ("paid", "Paid"),
    ("void", "Void"),
    ("running", "Running"),
    ("failed", "Failed"),
)

TOKENS = (
    "ground",
    "panel",
    "ink",
    "muted",
    "hairline",
    "border",
    "accent",
    "accent-soft",
    "time",
    "time-soft",
    "ok",
    "ok-soft",
    "bad",
    "bad-soft",
    "info",
    "info-soft",
    "note",
    "note-soft",
)


@blueprint.get("/styleguide")
@requires("see", "Styleguide")
def index() -> str:
    """Show the parts. `?notices` adds one message of each kind."""
    if "notices" in request.args:
        flash("Invoice 2026-0183 was issued.", "success")
        flash("The import is still running; this page shows its progress.", "info")
        flash("Three entries have no rate. They wait under exceptions.", "warning")
        flash("Line 12, hours: 26:00 is more than a day. Correct the entry.", "danger")
    return render_template("styleguide.html", states=STATES, tokens=TOKENS)
