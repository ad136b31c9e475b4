"""Tables of billing, by subject."""

from app.billing.models.accounts import BillingAccount, Series
from app.billing.models.documents import (
    Allocation,
    Document,
    DocumentLine,
    DocumentPdf,
    DocumentTax,
)
from app.billing.models.money import Payment, Posting, Receivable, Settlement
from app.billing.models.rates import RateRule, Tax
from app.billing.models.runs import (
    BillingRun,
    EntryHold,
    EntryValue,
    ExtraLine,
    RunApproval,
    RunBlock,
    RunHand,
    RunRow,
    RunWarning,
)

__all__ = [
    "Allocation",
    "BillingAccount",
    "BillingRun",
    "Document",
    "DocumentLine",
    "DocumentPdf",
    "DocumentTax",
    "EntryHold",
    "EntryValue",
    "ExtraLine",
    "Payment",
    "Posting",
    "RateRule",
    "Receivable",
    "RunApproval",
    "RunBlock",
    "RunHand",
    "RunRow",
    "RunWarning",
    "Series",
    "Settlement",
    "Tax",
]
