"""When an account needs a second person's approval, and whose approval counts."""

from sqlalchemy import and_, exists, select, text

from app.billing import limits
from app.billing.models import RunApproval, RunRow
from app.core.formats import amount
from app.core.models import Agency
from app.core.money import exponent

HANDS = """
    select r.created_by from billing_run r where r.id = :run
    union select h.user_id from run_hand h where h.account_id = :account
      and not exists (select from run_row done where done.account_id = h.account_id
                      and done.state = 'issued' and done.run_id >= h.run_id)
"""
"""Who had a hand in an account: who compiled the run, and who changed it since its last invoice."""

HOLDS = and_(
    RunApproval.run_id == RunRow.run_id,
    RunApproval.account_id == RunRow.account_id,
    RunApproval.preview_hash == RunRow.preview_hash,
    text("""
    not exists (select from billing_run r where r.id = run_approval.run_id
                and r.created_by = run_approval.approved_by)
    and not exists (select from run_hand h where h.account_id = run_approval.account_id
                    and h.user_id = run_approval.approved_by
                    and not exists (select from run_row done where done.account_id = h.account_id
                                    and done.state = 'issued' and done.run_id >= h.run_id))
    """),
)
"""An approval that counts for a run's row: of its preview, by somebody who had no hand in it."""

IS_APPROVED = exists(select(RunApproval.id).where(HOLDS).correlate(RunRow))
"""Whether an approval that counts was given to a run's row."""


def above(gross_minor: int, currency: str, agency: Agency) -> bool:
    """Whether a total is above the agency's amount in its currency, or has none to be below."""
    return limits.above(gross_minor, currency, agency.second_person_above)


def words(company: str, currency: str, agency: Agency) -> str:
    """Why such an account is not issued, and what to do."""
    limit = agency.second_person_above.get(currency)
    if limit is None:
        why = f"{company} is billed in {currency}, for which the agency has set no amount"
    else:
        why = f"{company} is above {amount(limit * 10 ** exponent(currency), currency)}"
    return f"{why}: somebody who neither compiled nor changed it has to approve its preview first."
