"""What a company or a contact may be: pure refusals, every reason at once."""

from collections.abc import Callable, Mapping
from typing import Any

from app.companies.models import ADDRESS_PARTS, KINDS, ROLES
from app.core.language import OFFERED
from app.core.words import Words, say
from app.imports import values

LENGTHS = {
    "name": 200,
    "phone": 60,
    "email": 254,
    "website": 300,
    "tax_id": 40,
    "purchase_order": 100,
    "external_id": 200,
    "title": 100,
    "street": 200,
    "street2": 200,
    "city": 100,
    "region": 100,
    "postcode": 20,
}


def _language(text: str) -> str:
    """A language that clients may read."""
    if text not in OFFERED:
        raise ValueError(say("choose one of the list"))
    return text


CODES: dict[str, Callable[[str], str]] = {
    "language": _language,
    "currency": values.currency,
    "zone": values.zone,
    "email": values.email,
    "country": values.country,
}
LONGEST_TERMS = 365
REFUSED = say("%(field)s: %(value)s: %(why)s.")
WORDS = {
    "tax_id": "Tax id",
    "external_id": "External id",
    "purchase_order": "Purchase order",
    "terms_days": "Terms in days",
    # what clients write too
    "name": say("Name"),
    "phone": say("Phone"),
    "email": say("E-mail"),
    "zone": say("Time zone"),
    "language": say("Language"),
    "street": say("Street"),
    "street2": say("Street, second line"),
    "city": say("City"),
    "region": say("Region"),
    "postcode": say("Postcode"),
    "country": say("Country"),
}
BILLING = tuple(f"billing_{part}" for part in ADDRESS_PARTS)
SHIPPING = tuple(f"shipping_{part}" for part in ADDRESS_PARTS)
COMPANY_FIELDS = (
    *("name", "kind", "parent_id", "phone", "email", "website", "tax_id", "purchase_order"),
    *("currency", "zone", "language", "terms_days", "notes"),
    *BILLING,
    *SHIPPING,
)
CONTACT_FIELDS = (
    *("name", "title", "phone", "zone", "language", "use_company_address"),
    *ADDRESS_PARTS,
)


def label(field: str) -> str:
    """The word a person reads for a field: `billing_postcode` is “Billing postcode”."""
    for prefix in ("billing_", "shipping_"):
        if field.startswith(prefix):
            return prefix[:-1].capitalize() + " " + label(field.removeprefix(prefix)).lower()
    return WORDS.get(field, field.replace("_", " ").capitalize())


def cleaned(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Text trimmed and codes in their usual form, with every reason to refuse.

    Empty text becomes None (an empty name is refused, an empty note stays text).
    """
    kept: dict[str, Any] = {}
    problems: list[str] = []
    for field, value in given.items():
        kept[field] = _tidied(field, value)
        problem = _problem(field, kept)
        if problem:
            problems.append(problem.at(field) if isinstance(problem, Words) else problem)
    return kept, problems


def _tidied(field: str, value: Any) -> Any:
    if field == "notes":
        return (value or "").strip()
    if not isinstance(value, str):
        return value
    return values.tidy(value) or ("" if field == "name" else None)


def _problem(field: str, kept: dict[str, Any]) -> str:
    """Return why a value is refused, or nothing; puts codes into their usual form."""
    value = kept[field]
    if field == "name" and not value:
        return say("Name: give a name.")
    part = field.removeprefix("billing_").removeprefix("shipping_")
    if isinstance(value, str) and part in LENGTHS and len(value) > LENGTHS[part]:
        return say(
            "%(field)s: %(length)s characters; at most %(most)s are kept.",
            field=label(field),
            length=len(value),
            most=LENGTHS[part],
        )
    if field == "terms_days" and value is not None and not 0 <= value <= LONGEST_TERMS:
        return f"{label('terms_days')}: {value}; give 0 to {LONGEST_TERMS} days."
    if field == "kind" and value not in KINDS:
        return f"Kind: choose one of {', '.join(KINDS)}."
    if value and part in CODES:
        try:
            kept[field] = CODES[part](value)
        except ValueError as refused:
            return say(REFUSED, field=label(field), value=value, why=_why(refused))
    return ""


def _why(refused: ValueError) -> str:
    """What a reader of values says, as words that can be told in another language."""
    return str(refused.args[0]) if not isinstance(refused.args[0], Words) else refused.args[0]


def cleaned_addresses(given: list[str]) -> tuple[list[str], list[str]]:
    """E-mail addresses in their usual form, each once, with every reason to refuse."""
    kept: list[str] = []
    problems: list[str] = []
    for text in given:
        try:
            address = values.email(text.strip()) if text.strip() else ""
        except ValueError as refused:
            problems.append(
                say(REFUSED, field=WORDS["email"], value=text.strip(), why=_why(refused)).at(
                    "email"
                )
            )
            continue
        if address and address.casefold() not in {one.casefold() for one in kept}:
            kept.append(address)
    return kept, problems


def role_problem(role: str) -> str:
    """Why a role in a company is refused, or nothing."""
    return "" if role in ROLES else f"Role: choose one of {', '.join(ROLES)}."
