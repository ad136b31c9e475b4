"""How frozen content reads on paper: integers and ISO dates -> the strings a template sets.

Nothing is recomputed here except the printed proof that quantity times price gives the amount; a
line for which it does not says why.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from itertools import groupby
from typing import Any

from app.billing.documents.labels import labels
from app.core import formats
from app.core.language import ENGLISH, OFFERED, told_in
from app.core.words import say

HOUR = 3600
VAT_ID = re.compile(r"[A-Z]{2}[0-9A-Z+*. -]{4,16}")
"""As Directive 2006/112/EC, article 215, has it: the country's two letters stand before it."""

HOURS = "\u00a0h"  # stands behind hours, where other lines are counted
TIMES = "×"  # stands behind a number of pieces whose unit nobody named
TITLES = {"invoice": say("Invoice"), "credit_note": say("Credit note")}
NUMBERS = {"invoice": say("Invoice number"), "credit_note": say("Credit note number")}


@lru_cache(maxsize=64)
def wording(locale: str, currency: str, exponent: int) -> "Wording":
    return Wording(locale, currency, exponent)


@lru_cache(maxsize=1024)
def _decimal(text: str, places: int, language: str) -> str:
    """Kept, as the same prices and percentages stand on line after line."""
    value = Decimal(text)
    have = -int(value.as_tuple().exponent)
    return formats.grouped(Decimal(f"{value:.{max(have, places)}f}"), language)


class Wording:
    """Writes words, amounts, hours and dates as one language and currency do.

    `locale` is a language of ours, or begins with one, as the oldest documents say en_GB; all
    others are English.
    """

    def __init__(self, locale: str, currency: str, exponent: int) -> None:
        code = locale.partition("_")[0]
        self.language = code if code in OFFERED else ENGLISH
        self.currency = currency
        self.exponent = exponent

    def told(self, text: str) -> str:
        """Words of ours in the language; what somebody wrote as it is."""
        return told_in(text, self.language)

    def amount(self, minor: int) -> str:
        """Write minor units with the currency's own number of decimals."""
        return formats.grouped(Decimal(minor).scaleb(-self.exponent), self.language)

    def money(self, minor: int) -> str:
        return f"{self.currency}\u00a0{self.amount(minor)}"

    def number(self, text: str, *, places: int = 0) -> str:
        """Write a decimal string with at least `places` decimals and no digit lost."""
        return _decimal(text, places, self.language)

    def percent(self, text: str) -> str:
        return f"{self.number(text)}\u00a0%"

    def date(self, iso: str) -> str:
        """Write a date with its month in full."""
        return formats.long_day(dt.date.fromisoformat(iso), self.language) if iso else ""

    def short_date(self, iso: str) -> str:
        """Write a date where two stand in one row."""
        return formats.day(dt.date.fromisoformat(iso), self.language) if iso else ""

    def hours(self, seconds: int) -> str:
        """Write h:mm, or h:mm:ss where whole minutes would hide seconds."""
        return formats.exact_hours(seconds, self.language)


def present(content: Mapping[str, Any], *, sha256: str) -> dict[str, Any]:
    """Turn frozen content (read back from its JSON) into the data of `invoice.typ`."""
    word = wording(content["locale"], content["currency"], content["exponent"])
    return {
        "title": word.told(TITLES[content["kind"]]),
        "words": labels(word.told, content["currency"]) | _counted(content["lines"], word),
        "kind": content["kind"],
        "number": content["number"],
        "paper": {"a4": "a4", "letter": "us-letter"}[content["paper"]],
        "currency": content["currency"],
        "lang": word.language,
        "seller": seller_block(content["seller"], word),
        "buyer": content["buyer"] | {"address": address_block(content["buyer"]["address"], word)},
        "meta": _meta(content, word),
        "groups": _groups(content, word),
        "several_taxes": len({row["tax"] for row in content["lines"] if row["tax"]}) > 1,
        "sums": sum_rows(content, word),
        "gross": word.amount(content["gross_minor"]),
        "payment": _payment(content, word),
        "corrects": _corrects(content, word),
        "terms": content["terms"] if content["kind"] == "invoice" else "",
        "notes": content["notes"],
        "policies": list(content["policies"]),
        "fingerprint": " ".join(sha256[at : at + 4] for at in range(0, 16, 4)),
    }


def seller_block(seller: Mapping[str, Any], word: Wording) -> dict[str, Any]:
    """The agency's lines of a letterhead."""
    contacts = (seller["email"], seller["phone"], seller["website"])
    return {
        "name": seller["name"],
        "address": address_block(seller["address"], word),
        "tax_id": seller["tax_id"],
        "tax_id_name": word.told(_named(seller["tax_id"], say("VAT ID"), say("Tax ID"))),
        "contacts": [text for text in contacts if text],
    }


def address_block(lines: list[str], word: Wording) -> list[str]:
    """Name the country that stands as an ISO 3166 code on the last line."""
    if not lines:
        return lines
    return [*lines[:-1], formats.country(lines[-1], word.language)]


def _named(tax_id: str, vat: str, other: str) -> str:
    """Which of two names an id has: of a VAT id, that begins with its country, or of any other."""
    return vat if VAT_ID.fullmatch(tax_id) else other


def _meta(content: Mapping[str, Any], word: Wording) -> list[list[str]]:
    tax_id = content["buyer"]["tax_id"]
    rows = [
        (NUMBERS[content["kind"]], content["number"]),
        (say("Date"), word.date(content["issue_date"])),
        (say("Due"), word.date(content["due_date"]) if content["kind"] == "invoice" else ""),
        (say("Period"), _period(content, word)),
        (say("Time zone"), content.get("zone", "")),
        (say("Corrects invoice"), content["corrects"]),
        (say("Purchase order"), content["purchase_order"]),
        (say("Customer reference"), content["buyer"]["reference"]),
        (_named(tax_id, say("Your VAT ID"), say("Your tax ID")), tax_id),
    ]
    return pairs(rows, word)


def pairs(rows: Iterable[tuple[str, str]], word: Wording) -> list[list[str]]:
    """Labels and what stands beside them; a row without anything is left out."""
    return [[word.told(label), text] for label, text in rows if text]


def _period(content: Mapping[str, Any], word: Wording) -> str:
    begin, end = word.short_date(content["period_from"]), word.short_date(content["period_to"])
    return f"{begin} – {end}" if begin and end else begin or end


def _groups(content: Mapping[str, Any], word: Wording) -> list[dict[str, Any]]:
    """Keep the order of the lines; neighbours under one heading share it and a subtotal."""
    lines = [row for row in content["lines"] if row["kind"] != "rounding"]
    taxed = "prices: inclusive" in content.get("policy_names", ()) and content["tax_minor"] != 0
    unit = HOURS if _are_counted(lines) else ""
    groups = []
    for (title, detail), members in groupby(lines, _heading):
        rows = list(members)
        seconds = sum(row["seconds"] or 0 for row in rows)
        groups.append(
            {
                "title": title,
                "detail": detail,
                "lines": [_line(row, word, taxed=taxed, unit=unit) for row in rows],
                "hours": word.hours(seconds) + unit if seconds else "",
                "net": word.amount(sum(row["net_minor"] for row in rows)),
            }
        )
    return groups


def _counted(lines: list[dict[str, Any]], word: Wording) -> dict[str, str]:
    """The heads over quantities, where they are not of hours alone."""
    if not _are_counted(lines):
        return {}
    return {"hours": word.told(say("Quantity")), "rate": word.told(say("Price"))}


def _are_counted(lines: list[dict[str, Any]]) -> bool:
    return any(line["quantity"] for line in lines)


def _heading(line: Mapping[str, Any]) -> tuple[str, str]:
    return (line["group"], line["detail"]) if line["group"] else ("", "")


def _line(line: Mapping[str, Any], word: Wording, *, taxed: bool, unit: str) -> dict[str, str]:
    asked = "" if line["group"] else line["detail"]
    note = line["note"] or _why_not_the_product(line, word, taxed=taxed, unit=unit)
    return {
        "text": line["text"],
        "quantity": _quantity(line, word, unit),
        "price": word.number(line["price"], places=word.exponent) if line["price"] else "",
        "tax": line["tax"],
        "net": word.amount(line["net_minor"]),
        "note": "; ".join(filter(None, [asked, note])),
    }


def _quantity(line: Mapping[str, Any], word: Wording, unit: str) -> str:
    """How much it is; `unit` stands behind hours where other things are counted beside them."""
    if line["seconds"] is not None:
        return word.hours(line["seconds"]) + unit
    return f"{word.number(line['quantity'])} {line['unit'] or TIMES}" if line["quantity"] else ""


def _why_not_the_product(line: Mapping[str, Any], word: Wording, *, taxed: bool, unit: str) -> str:
    """Say so where the printed quantity times the printed price is not the printed amount.

    The amount is net: where prices are `taxed`, that alone tells why.
    """
    product = product_minor(line, word.exponent)
    if product is None or product == line["net_minor"]:
        return ""
    if taxed:
        return word.told(say("The price includes tax, the amount does not."))
    return word.told(
        say(
            "%(quantity)s at %(price)s would be %(product)s; the amount follows the rounding rule"
            " below.",
            quantity=_quantity(line, word, unit),
            price=word.number(line["price"], places=word.exponent),
            product=word.amount(product),
        )
    )


def product_minor(line: Mapping[str, Any], exponent: int) -> int | None:
    """Quantity times price in minor units, half up; None when the line has no such product."""
    if not line["price"]:
        return None
    if line["seconds"] is not None:
        exact = Decimal(line["seconds"]) * Decimal(line["price"]) / HOUR
    elif line["quantity"]:
        exact = Decimal(line["quantity"]) * Decimal(line["price"])
    else:
        return None
    return int(exact.scaleb(exponent).quantize(Decimal(1), ROUND_HALF_UP))


def sum_rows(content: Mapping[str, Any], word: Wording) -> list[list[str]]:
    """Net, each tax with what it is taken on, all taxes where there are several, cash rounding."""
    taxes = content["taxes"]
    rows: list[tuple[str, int]] = [(say("Net"), content["net_minor"])]
    for tax in taxes:
        taken = f"{tax['name']} {word.percent(tax['percent'])}"
        base = word.amount(tax["taxable_minor"])
        rows.append((say("%(tax)s on %(amount)s", tax=taken, amount=base), tax["tax_minor"]))
    if len(taxes) != 1:
        rows.append((say("Tax"), content["tax_minor"]))
    if content["rounding_minor"]:
        rows.append((say("Rounding"), content["rounding_minor"]))
    return [[word.told(label), word.amount(minor)] for label, minor in rows]


def _payment(content: Mapping[str, Any], word: Wording) -> list[list[str]]:
    """Rows of the payment block; nothing to pay prints none."""
    seller = content["seller"]
    if content["kind"] != "invoice" or content["gross_minor"] <= 0:
        return []
    rows = [
        (say("Amount"), word.money(content["gross_minor"])),
        (say("Payable by"), word.date(content["due_date"])),
        (say("Account holder"), seller["name"] if seller["iban"] else ""),
        ("IBAN", _in_fours(seller["iban"])),
        ("BIC", seller["bic"]),
        (say("Bank"), seller["bank"]),
        (say("Reference"), content["payment_reference"] or content["number"]),
    ]
    return pairs(rows, word)


def _in_fours(iban: str) -> str:
    bare = "".join(iban.split())
    return "\u00a0".join(bare[at : at + 4] for at in range(0, len(bare), 4))


def _corrects(content: Mapping[str, Any], word: Wording) -> str:
    if not content["corrects"]:
        return ""
    said = say("This credit note corrects invoice %(number)s.", number=content["corrects"])
    if content["corrects_date"]:
        said = say(
            "This credit note corrects invoice %(number)s of %(day)s.",
            number=content["corrects"],
            day=word.date(content["corrects_date"]),
        )
    because = say("Reason: %(reason)s", reason=content["reason"]) if content["reason"] else ""
    return " ".join(filter(None, (word.told(said), word.told(because))))
