"""What became of the mails in which entries of a timeline went out, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.tickets import mail_queries
from app.tickets.mail_queries import Sent
from app.tickets.models import Event

OUT = ("sent", "kept")
LOST = ("failed", "bounced")


@dataclass(frozen=True, slots=True)
class Mailed:
    """The mails of one entry: a line for the timeline, and each of them."""

    words: str
    mails: Sequence[Sent]

    @property
    def has_failed(self) -> bool:
        """Whether somebody did not get it."""
        return any(each.state in LOST for each in self.mails)


def mailed(events: Sequence[Event]) -> dict[int, Mailed]:
    """What became of the mails of these entries, by entry; entries without mails are left out."""
    ids = [event.id for event in events if event.visibility == "client"]
    return {
        event_id: Mailed(_words(mails), mails)
        for event_id, mails in mail_queries.sent_of(ids).items()
    }


def _words(mails: Sequence[Sent]) -> str:
    out = sum(each.state in OUT for each in mails)
    delayed = sum(each.is_delayed for each in mails)
    late = sum(each.is_late for each in mails)
    counted = (
        ("mailed to {}", out),
        ("being mailed to {}", sum(each.state == "queued" for each in mails) - late),
        ("tried and delayed {}", delayed),
        ("put off {}", late - delayed),
        ("failed {}", sum(each.state == "failed" for each in mails)),
        ("came back {}", sum(each.state == "bounced" for each in mails)),
        ("called back {}", sum(each.state == "undone" for each in mails)),
    )
    text = ", ".join(words.format(count) for words, count in counted if count)
    return text[:1].upper() + text[1:]
