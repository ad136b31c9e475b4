"""The agency's own particulars: what its invoices say about it, and how they are printed."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import select

from app.billing.documents.logo import BrokenLogoError, kept
from app.billing.iban import problem_with
from app.billing.numbering import begin_invoices_at, problems_of_beginning
from app.companies.repricing import post_revaluation
from app.core import clock, formats, storage, zones
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError
from app.core.language import OFFERED
from app.core.models import Agency
from app.core.money import EXPONENTS
from app.core.words import said_of
from app.tickets import usual_types

LONGEST = {"name": 200, "tax_id": 40, "email": 254, "address": 1000}
NEVER_NONE = frozenset({"name", "address", "currency", "zone", "language", "paper"})
PAPERS = ("a4", "letter")
APPROVALS = ("none", "manager")
INCOMPLETE = ("warn", "block")
MOST_LOGO_BYTES = 2_000_000
MOST_TERMS_DAYS = 365
MOST_COMPLETE_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Particulars:
    """What may be changed; None leaves a field as it is, an empty text empties it."""

    name: str | None = None
    currency: str | None = None
    zone: str | None = None
    language: str | None = None
    country: str | None = None
    address: str | None = None
    email: str | None = None
    tax_id: str | None = None
    iban: str | None = None
    paper: str | None = None
    terms_days: int | None = None
    time_approval: str | None = None
    incomplete_payer: str | None = None
    second_person_above: dict[str, int] | None = None
    sign_in_above: dict[str, int] | None = None
    portal_shows_time: bool | None = None
    complete_days: int | None = None


def the_agency() -> Agency:
    """The one agency of this installation."""
    return db.session.scalars(select(Agency).where(Agency.id == 1)).one()


def facts(agency: Agency) -> dict[str, Any]:
    """The agency's fields as plain values."""
    names = [field.name for field in fields(Particulars)]
    return {name: getattr(agency, name) for name in names} | {"logo": agency.logo_id}


def change_agency(
    changes: Particulars,
    *,
    actor: Actor,
    logo: bytes | None = None,
    next_number: int | None = None,
) -> Agency:
    """Change particulars and logo; from then on the agency counts as set up.

    `next_number` is that of this year's next invoice. The kinds of requests that came with the
    agency follow its language. Issued documents keep what they say; unbilled
    time is priced anew where its currency or day may change. Raises `RuleError` with every reason
    at once.
    """
    agency = db.session.scalars(select(Agency).where(Agency.id == 1).with_for_update()).one()
    before = facts(agency)
    wanted = {name: value for name, value in asdict(changes).items() if value is not None}
    cleaned = {name: _cleaned(name, value) for name, value in wanted.items()}
    problems: list[str] = [
        said_of(name, problem)
        for name, value in cleaned.items()
        if (problem := _problem(name, value))
    ]
    picture = None
    try:
        picture = _picture(logo) if logo is not None else None
    except RuleError as error:
        problems += [said_of("logo", each) for each in error.problems]
    year = clock.today(agency.zone).year
    if next_number is not None:
        problems += [
            said_of("next_number", each) for each in problems_of_beginning(next_number, year)
        ]
    if problems:
        raise RuleError(*problems)
    for name, value in cleaned.items():
        setattr(agency, name, value)
    if picture is not None:
        content, media_type = picture
        agency.logo_id = storage.put(content, media_type=media_type)
    agency.is_set_up = True
    db.session.flush()
    if next_number is not None:
        begin_invoices_at(next_number, year=year, actor=actor)
    record(actor, "agency.change", kind="agency", id=1, before=before, after=facts(agency))
    if agency.language != before["language"]:
        usual_types.follow_language(before["language"], agency.language, actor=actor)
    if (agency.currency, agency.zone) != (before["currency"], before["zone"]):
        post_revaluation()
    return agency


def _cleaned(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if name in {"currency", "country"}:
        text = text.upper()
    elif name == "iban":
        text = "".join(text.split()).upper()
    elif name in {"paper", "language"}:
        text = text.lower()
    elif name == "name":
        text = " ".join(text.split())
    return text if text or name in NEVER_NONE else None


def _problem(name: str, value: Any) -> str | None:  # noqa: C901, PLR0911, PLR0912 - one reason a field
    match name:
        case "name" if not value:
            return "The agency's name is empty."
        case "currency" if value not in EXPONENTS:
            return f"{value!r} is no currency of ISO 4217: write a code such as EUR."
        case "zone" if value not in zones.KNOWN:
            return f"{value!r} is no time zone: write one such as Europe/Berlin."
        case "language" if value not in OFFERED:
            return f"{value!r} is no language of clients: choose {' or '.join(sorted(OFFERED))}."
        case "country" if value and value not in dict(formats.countries()):
            return f"{value!r} is no country code of ISO 3166: write two letters such as DE."
        case "paper" if value not in PAPERS:
            return f"{value!r} is no paper: choose a4 or letter."
        case "time_approval" if value not in APPROVALS:
            return f"{value!r} is no way of approving time: choose {' or '.join(APPROVALS)}."
        case "incomplete_payer" if value not in INCOMPLETE:
            return f"{value!r} is nothing to do about missing facts: choose warn or block."
        case "terms_days" if not 0 <= value <= MOST_TERMS_DAYS:
            return f"Payment terms of {value} days: choose 0 to {MOST_TERMS_DAYS}."
        case "complete_days" if not 0 <= value <= MOST_COMPLETE_DAYS:
            return (
                f"Resolved requests complete after {value} days: choose 1 to {MOST_COMPLETE_DAYS}, "
                "or 0 for never."
            )
        case "second_person_above" | "sign_in_above" if (
            value.keys() - EXPONENTS.keys() or min(value.values(), default=0) < 0
        ):
            return f"{name} {value}: write amounts by currency, or none."
        case "iban" if value:
            return problem_with(value)
        case "email" if value and (value.count("@") != 1 or any(sign.isspace() for sign in value)):
            return f"{value!r} is no e-mail address."
    if isinstance(value, str) and len(value) > LONGEST.get(name, 64):
        label = name.replace("_", " ")
        return f"The {label} has {len(value)} characters, at most {LONGEST.get(name, 64)} fit."
    return None


def _picture(logo: bytes) -> tuple[bytes, str]:
    if len(logo) > MOST_LOGO_BYTES:
        raise RuleError(
            f"The logo is larger than {MOST_LOGO_BYTES // 1_000_000} MB: make it smaller."
        )
    try:
        return kept(logo)
    except BrokenLogoError as error:
        raise RuleError(f"{str(error)[0].upper()}{str(error)[1:]}.") from error
