"""The billing desk: rates and taxes, the month-end run, invoices, payments, proof."""

from importlib import import_module

from flask import Blueprint

blueprint = Blueprint("billing", __name__, url_prefix="/billing")

# Each adds its pages to the blueprint above.
MODULES = (
    "changes",
    "entries",
    "invoices",
    "payments",
    "previews",
    "proof",
    "rates",
    "review",
    "runs",
    "taxes",
    "voiding",
)
for name in MODULES:
    import_module(f"{__name__}.{name}")
