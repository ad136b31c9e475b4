"""What an invoice or credit note says, frozen: plain values -> canonical JSON -> SHA-256.

The content is the only thing a document is ever drawn from (billing design §6). It holds strings
and integers, never floats: money in minor units of `currency` with its ISO 4217 `exponent`, time in
seconds, rates and percentages as decimal strings, dates as ISO 8601.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Struct, ValidationError
from msgspec.json import Decoder, Encoder

from app.core.language import ENGLISH, OFFERED

Schema = Literal["tallydesk.document/1"]
SCHEMA: Schema = "tallydesk.document/1"
GENESIS = ""
"""What stands in place of a hash before the first document of a series."""

Kind = Literal["invoice", "credit_note"]
Paper = Literal["a4", "letter"]


class Seller(Struct, frozen=True):
    """The agency as it was at the time of issue. `logo` is the SHA-256 of its stored picture."""

    name: str
    address: tuple[str, ...] = ()
    tax_id: str = ""
    email: str = ""
    phone: str = ""
    website: str = ""
    bank: str = ""
    iban: str = ""
    bic: str = ""
    logo: str = ""


class Buyer(Struct, frozen=True):
    """The company that pays, with its billing contacts' address as it was at the time of issue."""

    name: str
    address: tuple[str, ...] = ()
    attention: tuple[str, ...] = ()
    tax_id: str = ""
    reference: str = ""


class ContentLine(Struct, frozen=True):
    """One line: `seconds` for time, `quantity` for anything counted, neither for a plain amount.

    `group` is the heading it stands under (a ticket, person or work type), `detail` the second line
    of that heading, or of the line when it has none. `price` is a decimal string per hour or piece;
    `note` says in words what was rounded, raised to a minimum, or prepaid.
    """

    position: int
    text: str
    net_minor: int
    kind: str = "time"
    group: str = ""
    detail: str = ""
    seconds: int | None = None
    quantity: str = ""
    unit: str = ""
    price: str = ""
    tax: str = ""
    note: str = ""


class TaxTotal(Struct, frozen=True):
    """What one tax category comes to; `percent` is a decimal string."""

    name: str
    percent: str
    taxable_minor: int
    tax_minor: int


class DocumentContent(Struct, frozen=True):
    """A whole invoice or credit note; amounts are positive for both kinds.

    Dates are ISO strings, days of `zone`; the period's end is inclusive. `rounding_minor` is cash
    rounding: what lies between net plus tax and the total; a line of kind `rounding` is not part of
    the net. `policies` says in words what `policy_names` names; only the words are printed.
    `locale` is the language of the document (en_GB of those from before there was a choice): its
    own words are frozen in it, and what the template adds is told in it.
    """

    kind: Kind
    number: str
    issue_date: str
    due_date: str
    currency: str
    exponent: int
    seller: Seller
    buyer: Buyer
    lines: tuple[ContentLine, ...]
    taxes: tuple[TaxTotal, ...]
    net_minor: int
    tax_minor: int
    gross_minor: int
    rounding_minor: int = 0
    paper: Paper = "a4"
    locale: str = ENGLISH
    period_from: str = ""
    period_to: str = ""
    zone: str = ""
    purchase_order: str = ""
    payment_reference: str = ""
    terms: str = ""
    notes: str = ""
    policies: tuple[str, ...] = ()
    corrects: str = ""
    corrects_date: str = ""
    reason: str = ""
    policy_names: tuple[str, ...] = ()
    schema: Schema = SCHEMA


@dataclass(frozen=True, slots=True)
class Sealed:
    """Canonical content, and the SHA-256 of the previous hash and it, in hexadecimal."""

    content: bytes
    sha256: str


_IN_ORDER = Encoder(order="sorted")
_READER = Decoder(DocumentContent)


def seal(document: DocumentContent, *, previous: str = GENESIS) -> Sealed:
    """Freeze `document`, chained to the `previous` hash of its series.

    Raises TypeError when it would not read back as the same: a float in place of cents, say.
    """
    content = _IN_ORDER.encode(document)
    if content_of(content) != document:
        raise TypeError(f"{document.number} would not read back as it was written")
    return Sealed(content, chained(previous, content))


def content_of(frozen: bytes | str) -> DocumentContent:
    """The content of a document from its canonical JSON, so that a credit note can say the same.

    Raises TypeError for any other JSON.
    """
    try:
        return _READER.decode(frozen)
    except ValidationError as error:
        raise TypeError(f"not the content of a document: {error}") from error


def language_of(content: DocumentContent) -> str:
    """The own name of the language a document is in."""
    code = content.locale.partition("_")[0]
    return OFFERED.get(code, OFFERED[ENGLISH])


def canonical(value: Mapping[str, Any]) -> bytes:
    """Return sorted, compact UTF-8 JSON of strings, integers, lists and objects.

    Raises TypeError for anything else: a float would not read back as the same money, and a
    boolean has no one spelling in every reader.
    """
    if not _is_plain(value):
        _name_the_first_other(value)
    return _IN_ORDER.encode(value)


_LEAVES = frozenset({str, int, type(None)})


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is dict:
        value = value.values()
    elif kind is not list and kind is not tuple:
        return kind in _LEAVES
    return all(type(each) in _LEAVES or _is_plain(each) for each in value)


def _name_the_first_other(value: Mapping[str, Any]) -> None:
    for path, leaf in _leaves(value, ""):
        if leaf is not None and type(leaf) not in {str, int}:
            raise TypeError(f"{path}: {type(leaf).__name__} cannot stand in a frozen document")


def chained(previous: str, content: bytes) -> str:
    """Return a document's hash: SHA-256 of the previous document's hash and its own content."""
    return hashlib.sha256(previous.encode("ascii") + content).hexdigest()


def faults(content: bytes, *, previous: str, sha256: str) -> list[str]:
    """Say how stored content disagrees with its own hash or arithmetic; empty when sound."""
    if chained(previous, content) != sha256:
        return ["the content does not have the hash that was stored at issue"]
    said: dict[str, Any] = json.loads(content)
    net, tax, rounding = said["net_minor"], said["tax_minor"], said["rounding_minor"]
    lines = [line for line in said["lines"] if line["kind"] != "rounding"]
    sums = (
        ("lines do not add up to the net", _sum(lines, "net_minor"), net),
        ("taxes do not add up to the tax", _sum(said["taxes"], "tax_minor"), tax),
        ("the parts do not add up to the total", net + tax + rounding, said["gross_minor"]),
    )
    return [f"{words}: {got}, not {stated}" for words, got, stated in sums if got != stated]


def _sum(rows: list[dict[str, Any]], key: str) -> int:
    return sum(int(row[key]) for row in rows)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for position, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{position}]")
    else:
        yield path, value
