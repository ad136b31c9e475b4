"""The fields that say who the agency is: read and checked alike by set-up and by settings."""

from typing import Any

from flask import request
from werkzeug.datastructures import FileStorage

from app.billing.agency import MOST_LOGO_BYTES, Particulars, change_agency, the_agency
from app.billing.limits import limits_of, limits_written
from app.billing.numbering import next_invoice_number
from app.core import clock, typed, zones
from app.core.audit import Actor
from app.core.errors import RuleError
from app.core.language import OFFERED
from app.core.money import EXPONENTS
from app.core.words import field_of, said_of

TEXTS = (
    *("name", "address", "email", "tax_id", "iban", "country", "currency", "zone", "paper"),
    *("language", "time_approval", "incomplete_payer"),
)
LIMITS = {
    "second_person_above": "A second person above",
    "sign_in_above": "Signing in to approve above",
}
NUMBERS = ("terms_days", "next_number", "complete_days")
CURRENCIES = sorted(EXPONENTS)


def choices() -> dict[str, Any]:
    """What the form's lists offer."""
    return {"currencies": CURRENCIES, "zones": zones.OFFERED, "languages": OFFERED.items()}


def shown() -> dict[str, str]:
    """What stands in the form: what was typed, else what is kept."""
    agency = the_agency()
    year = clock.today(agency.zone).year
    kept = {name: getattr(agency, name) for name in (*TEXTS, "terms_days")}
    kept["complete_days"] = str(agency.complete_days)
    kept |= {name: limits_written(getattr(agency, name)) for name in LIMITS}
    kept["next_number"] = next_invoice_number(year)
    kept["portal_time"] = "show" if agency.portal_shows_time else "hide"
    return {name: request.form.get(name, str(value or "")) for name, value in kept.items()}


def told(error: RuleError) -> list[tuple[str, str]]:
    """What the form is refused for, and what a browser does not send twice: (field id, words)."""
    fields = [(field_of(problem), problem) for problem in error.problems]
    problems = [(f"f-{field}" if field else "", problem) for field, problem in fields]
    if _chosen_logo() and not any(field == "logo" for field, _ in fields):
        problems.append(("f-logo", "The logo was not kept: choose it once more."))
    return problems


def beside(problems: list[tuple[str, str]]) -> dict[str, list[str]]:
    """The same by the name of the field."""
    found: dict[str, list[str]] = {}
    for field_id, problem in problems:
        found.setdefault(field_id.removeprefix("f-"), []).append(problem)
    return found


def save(actor: Actor) -> None:
    """Write what the form says about the agency. Raises `RuleError` with every reason."""
    problems: list[str] = []
    numbers: dict[str, int | None] = dict.fromkeys(NUMBERS)
    for name in numbers:
        text = request.form.get(name, "").strip()
        try:
            if text:
                numbers[name] = typed.whole(text)
        except ValueError:
            label = name.replace("_", " ").capitalize()
            said = f"{label}: {text[:40]} is no whole number, or too large."
            problems.append(said_of(name, said))
    texts: dict[str, Any] = {name: request.form[name] for name in TEXTS if name in request.form}
    if "portal_time" in request.form:
        texts["portal_shows_time"] = request.form["portal_time"] == "show"
    for name in LIMITS:
        try:
            texts[name] = _limits(name)
        except RuleError as error:
            problems += [said_of(name, each) for each in error.problems]
    try:
        change_agency(
            Particulars(
                **texts, terms_days=numbers["terms_days"], complete_days=numbers["complete_days"]
            ),
            actor=actor,
            logo=_uploaded_logo(),
            next_number=numbers["next_number"],
        )
    except RuleError as error:
        raise RuleError(*problems, *error.problems) from error
    if problems:
        raise RuleError(*problems)


def _limits(name: str) -> dict[str, int] | None:
    """What was typed as amounts by currency; None where the form has no such field."""
    typed_ = request.form.get(name)
    if typed_ is None:
        return None
    usual = request.form.get("currency", "").strip().upper() or the_agency().currency
    return limits_of(typed_, usual=usual, label=LIMITS[name])


def _uploaded_logo() -> bytes | None:
    """The picture that was sent, one byte more than may be at most; None when none was chosen."""
    file = _chosen_logo()
    return file.read(MOST_LOGO_BYTES + 1) if file else None


def _chosen_logo() -> FileStorage | None:
    file = request.files.get("logo")
    return file if file is not None and file.filename else None
