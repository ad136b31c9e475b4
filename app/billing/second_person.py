"""When an account needs a second person's approval, and whose approval counts."""

import re
from collections.abc import Mapping

from sqlalchemy import text

from app.core.errors import RuleError
from app.core.formats import amount
from app.core.models import Agency
from app.core.money import EXPONENTS, exponent

HANDS = """
    select r.created_by from billing_run r where r.id = :run
    union select h.user_id from run_hand h where h.account_id = :account
      and not exists (select from run_row done where done.account_id = h.account_id
                      and done.state = 'issued' and done.run_id >= h.run_id)
"""
"""Who had a hand in an account: who compiled the run, and who changed it since its last invoice."""

APPROVED = text("""
    not exists (select from billing_run r where r.id = run_approval.run_id
                and r.created_by = run_approval.approved_by)
    and not exists (select from run_hand h where h.account_id = run_approval.account_id
                    and h.user_id = run_approval.approved_by
                    and not exists (select from run_row done where done.account_id = h.account_id
                                    and done.state = 'issued' and done.run_id >= h.run_id))
""")
"""Holds of an approval of somebody who had no hand in the account, then or since."""


def above(gross_minor: int, currency: str, agency: Agency) -> bool:
    """Whether a total is above the agency's amount in its currency, or has none to be below."""
    limits = agency.second_person_above
    if not limits:
        return False
    return currency not in limits or gross_minor > limits[currency] * 10 ** exponent(currency)


def words(company: str, currency: str, agency: Agency) -> str:
    """Why such an account is not issued, and what to do."""
    limit = agency.second_person_above.get(currency)
    if limit is None:
        why = f"{company} is billed in {currency}, for which the agency has set no amount"
    else:
        why = f"{company} is above {amount(limit * 10 ** exponent(currency), currency)}"
    return f"{why}: somebody who neither compiled nor changed it has to approve its preview first."


def limits_of(text: str, *, usual: str) -> dict[str, int]:
    """Read amounts by currency: "10000 EUR; 12000 USD"; one without a code is in the usual one.

    Nothing, or 0, is no limit. Raises `RuleError` with every part that is wrong.
    """
    found: dict[str, int] = {}
    problems = []
    for part in filter(str.strip, re.split(r"[;,\n]", text)):
        match = _LIMIT.fullmatch(part.strip())
        if match is None:
            problems.append(
                f"A second person above {part.strip()[:40]!r}: write a whole amount and its"
                " currency, such as 10000 EUR; 12000 USD."
            )
            continue
        number, code = int("".join(match["number"].split())), (match["code"] or usual).upper()
        if code not in EXPONENTS:
            problems.append(f"A second person above: {code} is no currency of ISO 4217.")
        elif code in found:
            problems.append(f"A second person above: {code} stands there twice.")
        elif number:
            found[code] = number
    if problems:
        raise RuleError(*problems)
    return found


def limits_written(limits: Mapping[str, int]) -> str:
    """The same amounts as a person types them."""
    return "; ".join(f"{limit} {currency}" for currency, limit in sorted(limits.items()))


_LIMIT = re.compile(r"(?P<number>\d(?:\s?\d){0,11})\s*(?P<code>[A-Za-z]{3})?")
