"""From frozen content to PDF bytes; a broken logo is left out and reported, never in the way."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.billing.documents.logo import BrokenLogoError, drawable
from app.billing.documents.presentation import present
from app.core import pdf

INVOICE = Path(__file__).parent / "invoice.typ"


@dataclass(frozen=True, slots=True)
class Rendered:
    """The PDF, and what a person should hear about it (a logo left out, characters replaced)."""

    pdf: bytes
    reports: tuple[str, ...]


def render(
    content: bytes, *, sha256: str, issued_at: dt.datetime, logo: bytes | None = None
) -> Rendered:
    """Draw canonical `content`, whose chained hash is printed, stamped with the moment of issue.

    The same content, moment and logo give the same bytes. Raises pdf.DrawingError when the template
    itself is at fault.
    """
    return on_paper(present(json.loads(content), sha256=sha256), at=issued_at, logo=logo)


def on_paper(data: Mapping[str, Any], *, at: dt.datetime, logo: bytes | None = None) -> Rendered:
    """Set strings into the one template of the agency's papers. Raises pdf.DrawingError."""
    reports: list[str] = []
    assets: dict[str, str] = {}
    if logo is not None:
        try:
            assets["logo"] = drawable(logo)
        except BrokenLogoError as error:
            reports.append(f"{error}; it was left out of the document")
    drawn = pdf.draw(INVOICE, data, at=at, assets=assets)
    if drawn.undrawable:
        letters = " ".join(drawn.undrawable)
        reports.append(f"no font draws {letters}; each is printed as {pdf.MARK}")
    return Rendered(drawn.pdf, tuple(reports))
