"""How frozen content reads on paper: integers and ISO dates -> the strings a template sets.

Nothing is recomputed here except the printed proof that quantity times price gives the amount; a
line for which it does not says why.
"""

import datetime as dt
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from itertools import groupby
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

MINUS = "−"
FALLBACK_LOCALE = "en_GB"
HOUR = 3600

TITLES = {"invoice": "Invoice", "credit_note": "Credit note"}


@lru_cache(maxsize=64)
def wording(locale: str, currency: str, exponent: int) -> "Wording":
    return Wording(locale, currency, exponent)


class Wording:
    """Writes amounts, hours and dates the way one locale and currency do."""

    def __init__(self, locale: str, currency: str, exponent: int) -> None:
        try:
            parsed = Locale.parse(locale.replace("-", "_"))
        except (UnknownLocaleError, ValueError):
            parsed = Locale.parse(FALLBACK_LOCALE)
        symbols = parsed.number_symbols["latn"]
        self.locale = parsed
        self.currency = currency
        self.exponent = exponent
        self.point: str = symbols["decimal"]
        self.group: str = symbols["group"].replace("\u202f", "\u00a0")

    def amount(self, minor: int) -> str:
        """Write minor units with the currency's own number of decimals."""
        whole, part = divmod(abs(minor), 10**self.exponent)
        digits = f"{whole:,}".replace(",", self.group)
        decimals = f"{self.point}{part:0{self.exponent}d}" if self.exponent else ""
        return f"{MINUS if minor < 0 else ''}{digits}{decimals}"

    def money(self, minor: int) -> str:
        return f"{self.currency}\u00a0{self.amount(minor)}"

    def number(self, text: str, *, places: int = 0) -> str:
        """Write a decimal string with at least `places` decimals and no digit lost."""
        value = Decimal(text)
        have = -int(value.as_tuple().exponent)
        plain = f"{abs(value):,.{max(have, places)}f}"
        swapped = plain.translate(str.maketrans(",.", self.group + self.point))
        return f"{MINUS if value < 0 else ''}{swapped}"

    def date(self, iso: str) -> str:
        """Write a date in words where the labels are of the same language, else as ISO 8601."""
        if not iso or self.locale.language != "en":
            return iso
        return format_date(dt.date.fromisoformat(iso), "d MMMM y", locale=self.locale)


def hours(seconds: int) -> str:
    """Write h:mm, or h:mm:ss where whole minutes would hide seconds."""
    minutes, rest = divmod(abs(seconds), 60)
    text = f"{minutes // 60}:{minutes % 60:02}" + (f":{rest:02}" if rest else "")
    return f"{MINUS if seconds < 0 else ''}{text}"


def present(content: Mapping[str, Any], *, sha256: str) -> dict[str, Any]:
    """Turn frozen content (read back from its JSON) into the data of `invoice.typ`."""
    word = wording(content["locale"], content["currency"], content["exponent"])
    return {
        "title": TITLES[content["kind"]],
        "kind": content["kind"],
        "number": content["number"],
        "paper": {"a4": "a4", "letter": "us-letter"}[content["paper"]],
        "currency": content["currency"],
        "lang": word.locale.language,
        "seller": seller_block(content["seller"], word),
        "buyer": content["buyer"] | {"address": address_block(content["buyer"]["address"], word)},
        "meta": _meta(content, word),
        "groups": _groups([row for row in content["lines"] if row["kind"] != "rounding"], word),
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
        "contacts": [text for text in contacts if text],
    }


def address_block(lines: list[str], word: Wording) -> list[str]:
    """Name the country that stands as an ISO 3166 code on the last line."""
    if not lines:
        return lines
    return [*lines[:-1], word.locale.territories.get(lines[-1], lines[-1])]


def _meta(content: Mapping[str, Any], word: Wording) -> list[list[str]]:
    rows = [
        (f"{TITLES[content['kind']]} number", content["number"]),
        ("Date", word.date(content["issue_date"])),
        ("Due", word.date(content["due_date"]) if content["kind"] == "invoice" else ""),
        ("Period", _period(content, word)),
        ("Time zone", content.get("zone", "")),
        ("Corrects invoice", content["corrects"]),
        ("Purchase order", content["purchase_order"]),
        ("Customer reference", content["buyer"]["reference"]),
        ("Your tax ID", content["buyer"]["tax_id"]),
    ]
    return [[label, text] for label, text in rows if text]


def _period(content: Mapping[str, Any], word: Wording) -> str:
    begin, end = word.date(content["period_from"]), word.date(content["period_to"])
    return f"{begin} – {end}" if begin and end else begin or end


def _groups(lines: list[dict[str, Any]], word: Wording) -> list[dict[str, Any]]:
    """Keep the order of the lines; neighbours under one heading share it and a subtotal."""
    groups = []
    for (title, detail), members in groupby(lines, _heading):
        rows = list(members)
        seconds = sum(row["seconds"] or 0 for row in rows)
        groups.append(
            {
                "title": title,
                "detail": detail,
                "lines": [_line(row, word) for row in rows],
                "hours": hours(seconds) if seconds else "",
                "net": word.amount(sum(row["net_minor"] for row in rows)),
            }
        )
    return groups


def _heading(line: Mapping[str, Any]) -> tuple[str, str]:
    return (line["group"], line["detail"]) if line["group"] else ("", "")


def _line(line: Mapping[str, Any], word: Wording) -> dict[str, str]:
    asked = "" if line["group"] else line["detail"]
    return {
        "text": line["text"],
        "quantity": _quantity(line, word),
        "price": word.number(line["price"], places=word.exponent) if line["price"] else "",
        "tax": line["tax"],
        "net": word.amount(line["net_minor"]),
        "note": "; ".join(filter(None, [asked, line["note"] or _why_not_the_product(line, word)])),
    }


def _quantity(line: Mapping[str, Any], word: Wording) -> str:
    if line["seconds"] is not None:
        return hours(line["seconds"])
    return f"{word.number(line['quantity'])} {line['unit']}".strip() if line["quantity"] else ""


def _why_not_the_product(line: Mapping[str, Any], word: Wording) -> str:
    """Say so where the printed quantity times the printed price is not the printed amount."""
    product = product_minor(line, word.exponent)
    if product is None or product == line["net_minor"]:
        return ""
    return (
        f"{_quantity(line, word)} at {word.number(line['price'])} would be {word.amount(product)}; "
        "the amount follows the rounding rule below."
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
    rows = [("Net", content["net_minor"])]
    for tax in taxes:
        taken = f"{tax['name']} {word.number(tax['percent'])} %"
        rows.append((f"{taken} on {word.amount(tax['taxable_minor'])}", tax["tax_minor"]))
    if len(taxes) != 1:
        rows.append(("Tax", content["tax_minor"]))
    if content["rounding_minor"]:
        rows.append(("Rounding", content["rounding_minor"]))
    return [[label, word.amount(minor)] for label, minor in rows]


def _payment(content: Mapping[str, Any], word: Wording) -> list[list[str]]:
    """Rows of the payment block; nothing to pay prints none."""
    seller = content["seller"]
    if content["kind"] != "invoice" or content["gross_minor"] <= 0:
        return []
    rows = [
        ("Amount", word.money(content["gross_minor"])),
        ("Payable by", word.date(content["due_date"])),
        ("Account holder", seller["name"] if seller["iban"] else ""),
        ("IBAN", _in_fours(seller["iban"])),
        ("BIC", seller["bic"]),
        ("Bank", seller["bank"]),
        ("Reference", content["payment_reference"] or content["number"]),
    ]
    return [[label, text] for label, text in rows if text]


def _in_fours(iban: str) -> str:
    bare = "".join(iban.split())
    return "\u00a0".join(bare[at : at + 4] for at in range(0, len(bare), 4))


def _corrects(content: Mapping[str, Any], word: Wording) -> str:
    if not content["corrects"]:
        return ""
    dated = f" of {word.date(content['corrects_date'])}" if content["corrects_date"] else ""
    because = f" Reason: {content['reason']}" if content["reason"] else ""
    return f"This credit note corrects invoice {content['corrects']}{dated}.{because}"
