"""What a client may do with a ticket, and how its state reads to them; pure."""

from datetime import datetime, timedelta

from app.core.words import say

REOPEN_DAYS = 14  # where a ticket has no department
SCORES = (
    (5, say("Very good")),
    (4, say("Good")),
    (3, say("Fair")),
    (2, say("Poor")),
    (1, say("Very poor")),
)
LONGEST_COMMENT = 2000
# How urgent it is, as somebody says it who has the trouble.
URGENCIES = (
    ("urgent", say("I can't work"), say("Something we all need has stopped.")),
    ("high", say("Works with trouble"), say("There is a way around it, but it costs us time.")),
    ("normal", say("Normal"), say("It should be seen to in due course.")),
    ("low", say("Question"), say("Whenever there is time.")),
)


def may_reopen(closed_at: datetime | None, days: int, now: datetime) -> bool:
    """Whether an answer now opens a ticket again that was closed then."""
    return closed_at is None or now - closed_at <= timedelta(days=days)


def rating_problems(category: str, score: int, text: str) -> list[str]:
    """What is wrong with a rating, in words."""
    problems: list[str] = []
    if category != "completed":
        problems.append(say("The request is not completed yet: rate it when it is."))
    if score not in {value for value, _ in SCORES}:
        problems.append(
            say("No rating is chosen: choose one from very poor to very good.").at("score")
        )
    if len(text) > LONGEST_COMMENT:
        problems.append(
            say(
                "The comment has %(length)s characters, at most %(most)s fit: shorten it.",
                length=len(text),
                most=LONGEST_COMMENT,
            ).at("comment")
        )
    return problems
