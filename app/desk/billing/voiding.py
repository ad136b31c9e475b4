"""Taking an invoice back as a whole: by a credit note, with a reason, releasing its entries."""

from typing import Any

from flask import render_template, request, url_for

from app.billing import invoice_queries
from app.billing.commands.credit import void_invoice
from app.billing.queries import agency
from app.core import clock, forms
from app.core.acting import current_actor
from app.core.errors import RuleError
from app.core.security import requires
from app.desk.billing import blueprint
from app.desk.fields import Fields
from app.desk.posting import Outcome, carry_out


@blueprint.get("/invoices/<int:document_id>/void")
@requires("void", "Invoices")
def void(document_id: int) -> str:
    """Say what voiding does, and ask for the reason."""
    return _page(document_id, Fields({}))


def _page(document_id: int, fields: Fields) -> str:
    settlements = invoice_queries.settlements_of(document_id)
    return render_template(
        "desk/billing/void.html",
        document=invoice_queries.document(document_id),
        standing=invoice_queries.standing(document_id, clock.today(agency().zone)),
        held=[each for each in settlements if not each.is_reversed],
        fields=fields,
        nonce=forms.new_nonce(),
    )


@blueprint.post("/invoices/<int:document_id>/void")
@requires("void", "Invoices")
def void_document(document_id: int) -> Any:
    """Issue the credit note; its page follows."""
    fields = Fields(request.form)

    def action() -> Outcome:
        number = invoice_queries.document(document_id).number
        reason = fields.text("reason", "Reason", required=True)
        fields.check()
        voided = void_invoice(current_actor(), number, reason=reason, mail=fields["mail"] == "y")
        count = voided.entries_released
        said = f"{number} is voided; {count} {'entry' if count == 1 else 'entries'} can be billed."
        return url_for("billing.invoice", document_id=voided.document_id), said

    def again(error: RuleError) -> tuple[str, int]:
        fields.add(error)
        return _page(document_id, fields), 422

    return carry_out(action, back=url_for("billing.invoice", document_id=document_id), again=again)
