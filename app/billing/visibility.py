"""What of money a contact may see: the documents of the companies whose bills are theirs."""

from typing import Any

from sqlalchemy import Select

from app.billing.models import Document
from app.core.access import Viewer, scope_of


@scope_of(Document)
def documents(query: Select[Any], viewer: Viewer) -> Select[Any]:
    """The issued documents of payers for whom the contact is a billing contact."""
    return query.where(Document.payer_id.in_(viewer.pays_for))
