"""What may be billed for a request, told to a client before it is sent."""

from collections.abc import Collection

from app.billing import rate_queries
from app.core import clock
from app.core.words import say
from app.tickets.request_models import RequestType

WORDS = {
    "offer": say("What it costs is offered to you first: nothing is billed before you approve it."),
    "free": say("Work on this request is not billed."),
}
AGREED = say("Work on this request is billed by the time it takes, at the rates agreed with you.")
OURS = say("Work on this request is billed by the time it takes, at our rates.")
EITHER = say(
    "Work on this request is billed by the time it takes, at the rates that hold for the company"
    " you choose."
)


def told(kind: RequestType | None, company_ids: Collection[int]) -> str:
    """What to say of requests of a kind for one of these companies; empty where nothing is said.

    The agency's own words go before ours. Rates are agreed where a company, or one above it, has
    some of its own today.
    """
    if kind is None or kind.billing_text or kind.billing != "rates":
        return kind.billing_text or WORDS.get(kind.billing, "") if kind else ""
    agreed = rate_queries.with_own_rates(company_ids, on=clock.today())
    if not agreed:
        return OURS
    return AGREED if agreed >= set(company_ids) else EITHER
