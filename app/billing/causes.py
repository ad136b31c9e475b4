"""The causes for a look at accounts that are billed nevertheless, and the entries they lie in."""

from functools import cache

OF_ENTRIES = {
    "older_work": "{day} < date_trunc('month', %(through)s::date)::date",
    "long_entry": "e.recorded_seconds > 8 * 3600",
    "short_entry": "e.recorded_seconds < 120",
    "thin_text": "length(btrim(e.description)) < 10",
    "old_ticket": "t.category in ('new', 'open', 'waiting')"
    " and t.created_at < %(through)s::date - interval '60 days'",
}
"""Causes that lie in an entry `e`, its day in its account, or its ticket `t`, as conditions in SQL.

The pages name the same limits in words.
"""

OF_ACCOUNTS = ("no_tax_id", "no_address", "unusual_amount")
ALL = (*OF_ACCOUNTS, *OF_ENTRIES)


def condition(cause: str, *, day: str) -> str:
    """SQL for a cause that lies in entries; `day` is SQL for their day in their account."""
    return OF_ENTRIES[cause].format(day=day)


def marks(*, day: str) -> str:
    """SQL for all of them at once, as a whole number with a bit for each that holds."""
    return " + ".join(
        f"case when {condition(cause, day=day)} then {1 << place} else 0 end"
        for place, cause in enumerate(OF_ENTRIES)
    )


@cache
def named_by(marks: int) -> tuple[str, ...]:
    """The causes whose bits are set."""
    return tuple(cause for place, cause in enumerate(OF_ENTRIES) if marks >> place & 1)
