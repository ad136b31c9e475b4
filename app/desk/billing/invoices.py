"""Invoices: the list, one of them down to its entries, its PDF, sending again, taking back."""

import io
import zipfile
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from flask import Response, abort, render_template, request, send_file, url_for

from app.billing import invoice_queries, notifications
from app.billing.documents import stored
from app.billing.documents.content import content_of, language_of
from app.billing.invoice_queries import STATES, Listed, Wanted
from app.billing.queries import agency
from app.core import clock, export, forms, mail_queries, storage
from app.core.models import StoredFile
from app.core.money import from_minor
from app.core.security import requires
from app.desk.billing import blueprint
from app.desk.billing.explained import lines_of
from app.desk.fields import Fields
from app.desk.papers import as_pdf, given_or_awaited
from app.desk.posting import Outcome, carry_out

MOST_PDFS = 500
HEADERS = (
    *("Number", "Kind", "Company", "Issued", "Due", "State", "Currency"),
    *("Net", "Tax", "Gross", "Open"),
)
WORDS = {
    "unpaid": "Unpaid",
    "overdue": "Overdue",
    "part_paid": "Part paid",
    "paid": "Paid",
    "voided": "Voided",
    "credit_note": "Credit note",
}
HAPPENED = {"issue": "Issued", "void": "Voided"}
"""What the audit log calls an act on a document, as its history tells it."""


def wanted(fields: Fields) -> Wanted:
    """The filters of the address; what cannot be read is left out, and noted by the fields."""
    issued_from, issued_to = fields.period(("issued_from", "Issued from"), ("issued_to", "to"))
    state = fields["state"]
    if state and state not in STATES:
        abort(404)
    return Wanted(
        today=clock.today(agency().zone),
        state=state,
        company_id=fields.id("company_id"),
        company=fields["company"],
        issued_from=issued_from,
        issued_to=issued_to,
        number=fields["number"],
        run_id=fields.id("run"),
    )


@blueprint.get("/invoices")
@requires("see", "Invoices")
def invoices() -> str:
    """List documents, newest first, with what all that fit come to."""
    fields = Fields(request.args)
    filters = wanted(fields)
    page = max(request.args.get("page", 1, type=int), 1)
    rows, more = invoice_queries.listed(filters, page=page)
    return render_template(
        "desk/billing/invoices.html",
        rows=rows,
        more=more,
        page=page,
        sums=invoice_queries.sums(filters),
        filters=filters,
        problems=fields.summary,
        address={key: value for key, value in request.args.items() if key != "page" and value},
        words=WORDS,
        most_pdfs=MOST_PDFS,
    )


@blueprint.get("/invoices.<kind>")
@requires("see", "Invoices")
def export_invoices(kind: str) -> Response:
    """Download the list, filtered as on the page, as CSV or XLSX."""
    if kind not in export.KINDS:
        abort(404)
    rows, _ = invoice_queries.listed(wanted(Fields(request.args)), size=None)
    return export.download(kind, "invoices", HEADERS, map(_cells, rows))


def _cells(row: Listed) -> tuple[export.Cell, ...]:
    sign = -1 if row.kind == "credit_note" else 1
    amounts = (sign * row.net_minor, sign * row.tax_minor, sign * row.gross_minor, row.open_minor)
    return (
        *(row.number, row.kind.replace("_", " "), row.company, row.issued_on, row.due_on),
        *(WORDS[row.state], row.currency),
        *(Decimal(from_minor(amount, row.currency)) for amount in amounts),
    )


@blueprint.get("/invoices/<int:document_id>")
@requires("see", "Invoices")
def invoice(document_id: int) -> str:
    """Show a document: its lines down to the entries, payments, mails, what happened."""
    document = invoice_queries.document(document_id)
    content, today = content_of(document.content), clock.today(agency().zone)
    return render_template(
        "desk/billing/invoice.html",
        document=document,
        written_in=language_of(content),
        notes=content.notes,
        standing=invoice_queries.standing(document_id, today),
        lines=lines_of(document, line_id=request.args.get("line", type=int)),
        settlements=invoice_queries.settlements_of(document_id),
        mails=mail_queries.about(notifications.ABOUT, document_id),
        events=invoice_queries.history(document_id),
        words=WORDS,
        happened=HAPPENED,
        today=today,
        nonce=forms.new_nonce(),
    )


@blueprint.route("/invoices/<int:document_id>.pdf", methods=["GET", "POST"])
@requires("see", "Invoices")
def invoice_pdf(document_id: int) -> Any:
    """The stored PDF of a document; a POST has it drawn where it was not yet."""
    document = invoice_queries.document(document_id)
    file = stored.pdf_of(document_id)
    return given_or_awaited(
        partial(as_pdf, file, f"{document.number}.pdf") if file else None,
        have_drawn=lambda: stored.have_drawn([document_id]),
        why_not=lambda: stored.why_not_drawn(document_id),
        crumbs=(
            ("Invoices", url_for("billing.invoices")),
            (document.number, url_for("billing.invoice", document_id=document_id)),
        ),
    )


@blueprint.route("/invoices.zip", methods=["GET", "POST"])
@requires("see", "Invoices")
def invoices_zip() -> Any:
    """Download the PDFs of the documents ticked, or of all that fit the filters.

    Of more than one file holds, the parts are offered instead. A POST has those drawn that were
    not yet.
    """
    ids = request.args.getlist("id", type=int)
    found = invoice_queries.pdf_documents(wanted(Fields(request.args)), ids)
    if not found:
        abort(404)
    parts = [found[at : at + MOST_PDFS] for at in range(0, len(found), MOST_PDFS)]
    part = request.args.get("part", 0 if len(parts) > 1 else 1, type=int)
    if part == 0:
        address: dict[str, Any] = request.args.to_dict(flat=False)
        return render_template(
            "desk/billing/pdf_parts.html",
            parts=parts,
            count=len(found),
            part_url=lambda number: url_for("billing.invoices_zip", **(address | {"part": number})),
        )
    if not 1 <= part <= len(parts):
        abort(404)
    name = "invoices.zip" if len(parts) == 1 else f"invoices-{part}-of-{len(parts)}.zip"
    chosen = dict(parts[part - 1])
    files = stored.pdfs_of(list(chosen))
    undrawn = sorted(chosen.keys() - files.keys())
    return given_or_awaited(
        None if undrawn else lambda: _packed(name, {chosen[i]: files[i] for i in files}),
        have_drawn=lambda: stored.have_drawn(undrawn),
        why_not=lambda: stored.why_not_drawn(undrawn[0]),
        undrawn=len(undrawn),
        of=len(chosen),
        crumbs=(("Invoices", url_for("billing.invoices")),),
    )


def _packed(name: str, files: Mapping[str, StoredFile]) -> Response:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for number, file in files.items():
            archive.writestr(f"{number}.pdf", storage.read(file))
    packed.seek(0)
    return send_file(packed, "application/zip", as_attachment=True, download_name=name)


@blueprint.post("/invoices/<int:document_id>/resend")
@requires("issue", "Invoices")
def resend_invoice(document_id: int) -> Response:
    """Write to the company's billing contacts once more."""
    here = url_for("billing.invoice", document_id=document_id)

    def action() -> Outcome:
        number = invoice_queries.document(document_id).number
        sent = notifications.post_again(document_id, key=request.form[forms.FIELD])
        return here, f"{number} is on its way to {sent} {'address' if sent == 1 else 'addresses'}."

    return carry_out(action, back=here)
