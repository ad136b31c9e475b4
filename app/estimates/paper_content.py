"""What the paper of an estimate says, and how it is printed; pure.

It looks as the agency's invoices do: the same template, words and figures of the same kind.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import asdict

from app.billing.compose import TAX_WITHIN
from app.billing.documents.content import Seller, canonical
from app.billing.documents.labels import labels
from app.billing.documents.presentation import (
    Wording,
    address_block,
    pairs,
    seller_block,
    sum_rows,
    wording,
)
from app.billing.queries import Buyer
from app.core.money import exponent, price_text
from app.core.words import say
from app.estimates.models import Estimate, EstimateLine

SCHEMA = "tallydesk.estimate/1"
AMOUNTS = {True: say("%(currency)s, with tax"), False: say("%(currency)s, before tax")}
# How a line is part of the offer, as the heading it stands under.
PARTS = {
    "offered": "",
    "optional": say("Optional, not in the total"),
    "left": say("Was optional and is not chosen"),
}


def content_of(
    estimate: Estimate, *, stage: str, seller: Seller, buyer: Buyer, paper: str, heard: str = ""
) -> dict[str, Any]:
    """All that is printed, as plain values of JSON: amounts in minor units, days as ISO 8601."""
    zone = ZoneInfo(estimate.zone)
    word = wording(buyer.language, estimate.currency, exponent(estimate.currency))
    approved = stage == "approved" and estimate.ended_at is not None
    content = {
        "schema": SCHEMA,
        "number": str(estimate.ticket.number),
        "version": estimate.version,
        "subject": estimate.ticket.subject,
        "sent_on": _moment(estimate.sent_at, zone)[:10],
        "valid_until": estimate.valid_until.isoformat(),
        "zone": estimate.zone,
        "currency": estimate.currency,
        "exponent": word.exponent,
        "locale": word.language,
        "paper": "letter" if paper == "letter" else "a4",
        "seller": asdict(seller),
        "buyer": {
            "name": buyer.name,
            "address": list(buyer.address),
            "attention": [estimate.action.contact.name] if estimate.action else [],
        },
        "prices": estimate.policy.get("prices", "exclusive"),
        "lines": [_said(estimate, line, word, is_approved=approved) for line in estimate.lines],
        "taxes": [dict(each) for each in estimate.taxes],
        "net_minor": estimate.net_minor,
        "tax_minor": estimate.tax_minor,
        "rounding_minor": estimate.rounding_minor,
        "total_minor": estimate.total_minor,
        "note": estimate.note,
        "offer": estimate.content_hash or "",
        "approval": {},
    }
    if approved:
        content["approval"] = {
            "by": estimate.ended_by,
            "at": _moment(estimate.ended_at, zone),
            "purchase_order": estimate.purchase_order,
        }
        if heard:
            content["approval"]["heard"] = word.told(heard)
    return content


def sealed(content: Mapping[str, Any]) -> tuple[str, str]:
    """The content as canonical JSON, and its SHA-256 in hexadecimal."""
    written = canonical(content)
    return written.decode(), hashlib.sha256(written).hexdigest()


def present(content: Mapping[str, Any], *, sha256: str) -> dict[str, Any]:
    """The strings that the template sets."""
    word = wording(content["locale"], content["currency"], content["exponent"])
    approval = content["approval"]
    within = content["prices"] == "inclusive"
    return {
        "title": word.told(say("Estimate")),
        "words": labels(word.told, content["currency"]),
        "kind": "estimate",
        "number": word.told(say("#%(number)s, version %(version)s", **_named(content))),
        "paper": {"a4": "a4", "letter": "us-letter"}[content["paper"]],
        "currency": content["currency"],
        "amount_label": word.told(say(AMOUNTS[within], currency=content["currency"])),
        "lang": word.language,
        "seller": seller_block(content["seller"], word),
        "buyer": content["buyer"] | {"address": address_block(content["buyer"]["address"], word)},
        "meta": _meta(content, word),
        "approval": _approval(approval, content, word),
        "groups": _groups(content["lines"], word),
        "several_taxes": False,
        "sums": sum_rows(content, word),
        "gross": word.amount(content["total_minor"]),
        "payment": [],
        "corrects": word.told(say("for “%(subject)s”", subject=content["subject"])),
        "terms": "",
        "notes": content["note"],
        "policies": [word.told(TAX_WITHIN)] if within else [],
        "fingerprint": " ".join(sha256[at : at + 4] for at in range(0, 16, 4)),
    }


def _moment(at: Any, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M") if at else ""


def _said(
    estimate: Estimate, line: EstimateLine, word: Wording, *, is_approved: bool
) -> dict[str, Any]:
    is_chosen = is_approved and line.is_optional and estimate.includes(line)
    part = "left" if is_approved else "optional"
    return {
        "text": line.text,
        "part": part if line.is_optional and not is_chosen else "offered",
        "note": word.told(say("optional, chosen")) if is_chosen else "",
        "seconds": line.billed_seconds if line.kind == "time" else None,
        "price": price_text(line.rate, estimate.currency) if line.rate is not None else "",
        "amount_minor": line.amount_minor,
    }


def _meta(content: Mapping[str, Any], word: Wording) -> list[list[str]]:
    rows = [
        (say("Request"), f"#{content['number']}"),
        (say("Version"), str(content["version"])),
        (say("Date"), word.date(content["sent_on"])),
        (say("Valid until"), word.date(content["valid_until"])),
        (say("Time zone"), content["zone"]),
        (say("Purchase order"), content["approval"].get("purchase_order", "")),
    ]
    return pairs(rows, word)


def _approval(approval: Mapping[str, str], content: Mapping[str, Any], word: Wording) -> str:
    if not approval:
        return ""
    day, moment = approval["at"].split()
    said = say(
        "Approved on %(day)s, %(time)s (%(zone)s) by %(name)s",
        day=word.date(day),
        time=moment,
        zone=content["zone"],
        name=approval["by"],
    )
    return ". ".join(filter(None, (word.told(said), approval.get("heard"))))


def _named(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: content[name] for name in ("number", "version")}


def _groups(lines: Sequence[Mapping[str, Any]], word: Wording) -> list[dict[str, Any]]:
    """What is offered first, then what may be chosen or was not; these come to no subtotal."""
    found = []
    for part, title in PARTS.items():
        rows = [_row(line, word) for line in lines if line["part"] == part]
        if rows:
            found.append(
                {"title": word.told(title), "detail": "", "lines": rows, "hours": "", "net": ""}
            )
    return found


def _row(line: Mapping[str, Any], word: Wording) -> dict[str, str]:
    return {
        "text": line["text"],
        "quantity": word.hours(line["seconds"]) if line["seconds"] is not None else "",
        "price": word.number(line["price"], places=word.exponent) if line["price"] else "",
        "tax": "",
        "net": word.amount(line["amount_minor"]),
        "note": line["note"],
    }
