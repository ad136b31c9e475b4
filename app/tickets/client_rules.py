"""What a client may do with a ticket, and how its state reads to them; pure."""

from datetime import datetime, timedelta

REOPEN_DAYS = 14  # where a ticket has no department
SCORES = ((5, "Very good"), (4, "Good"), (3, "Fair"), (2, "Poor"), (1, "Very poor"))
LONGEST_COMMENT = 2000
# How urgent it is, as somebody says it who has the trouble.
URGENCIES = (
    ("urgent", "I can't work", "Something we all need has stopped."),
    ("high", "Works with trouble", "There is a way around it, but it costs us time."),
    ("normal", "Normal", "It should be seen to in due course."),
    ("low", "Question", "Whenever there is time."),
)


def may_reopen(closed_at: datetime | None, days: int, now: datetime) -> bool:
    """Whether an answer now opens a ticket again that was closed then."""
    return closed_at is None or now - closed_at <= timedelta(days=days)


def rating_problems(category: str, score: int, text: str) -> list[str]:
    """What is wrong with a rating, in words."""
    problems = []
    if category != "completed":
        problems.append("The request is not completed yet: rate it when it is.")
    if score not in {value for value, _ in SCORES}:
        problems.append("No rating is chosen: choose one from very poor to very good.")
    if len(text) > LONGEST_COMMENT:
        problems.append(f"The comment is too long: at most {LONGEST_COMMENT} characters fit.")
    return problems
