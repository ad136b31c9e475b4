"""Frozen content read back into its parts, so that a credit note can say the same."""

import json
from typing import Any

from app.billing.documents.content import (
    Buyer,
    ContentLine,
    DocumentContent,
    Seller,
    TaxTotal,
)
from app.core.language import ENGLISH, OFFERED


def content_of(frozen: str) -> DocumentContent:
    """The content of a document from its canonical JSON."""
    said: dict[str, Any] = json.loads(frozen)
    said.pop("schema")
    said.pop("annex", None)  # documents had an empty place for it once
    said["seller"] = Seller(**_tuples(said["seller"]))
    said["buyer"] = Buyer(**_tuples(said["buyer"]))
    said["lines"] = tuple(ContentLine(**line) for line in said["lines"])
    said["taxes"] = tuple(TaxTotal(**tax) for tax in said["taxes"])
    return DocumentContent(**_tuples(said))


def language_of(frozen: str) -> str:
    """The own name of the language a document is in, from its canonical JSON."""
    locale = str(json.loads(frozen).get("locale", ENGLISH))
    return OFFERED.get(locale.partition("_")[0], OFFERED[ENGLISH])


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
