"""What else ends when tickets are closed, and what keeps one with its company.

Imports go down: what stands above tickets (estimates) registers here what it has to say.
"""

from collections.abc import Callable, Sequence

from app.core.audit import Actor
from app.tickets import rules
from app.tickets.models import Ticket

Ending = Callable[[Sequence[int], Actor], None]
Tie = Callable[[Ticket], list[str]]
_endings: list[Ending] = []
_ties: list[Tie] = []


def on_closing(ending: Ending) -> Ending:
    """Register what is done, in the same transaction, with tickets (by id) that are closed."""
    _endings.append(ending)
    return ending


def ties_to_company(tie: Tie) -> Tie:
    """Register what may forbid that a ticket goes to another company: reasons, or none."""
    _ties.append(tie)
    return tie


def closed(ticket_ids: Sequence[int], category: str, *, actor: Actor) -> None:
    """End what hangs on these tickets when `category` is one of closed work."""
    if ticket_ids and category in rules.CLOSED:
        for ending in _endings:
            ending(ticket_ids, actor)


def reasons_to_stay(ticket: Ticket) -> list[str]:
    """Why the ticket may not go to another company."""
    return [reason for tie in _ties for reason in tie(ticket)]
