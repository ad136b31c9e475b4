"""Asking the promises of open tickets to follow: what is promised may come from a company above."""

from app.core import jobs

REALIGN = "promises.realign"


def post_realigning(*, created_by: int | None = None) -> None:
    """Post that every running clock follows the policy that holds for its ticket now."""
    jobs.post(REALIGN, created_by=created_by)
