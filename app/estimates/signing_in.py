"""Which offers are approved only by somebody who has signed in."""

from app.billing import limits
from app.billing import queries as billing
from app.estimates.models import Estimate


def is_asked(estimate: Estimate) -> bool:
    """Whether an offer may come to more than the agency lets a mailed link approve.

    It is looked at with all its optional lines, so that ticking one changes nothing.
    """
    most = estimate.sums(estimate.optional_keys).total_minor
    return limits.above(most, estimate.currency, billing.agency().sign_in_above)
