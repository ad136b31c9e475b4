"""What else ends when tickets are closed, comes back or merges with them, or takes their order.

Imports go down: what stands above tickets (estimates) registers here what it has to say.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from app.core.audit import Actor
from app.tickets import rules
from app.tickets.models import Ticket

Ending = Callable[[Sequence[int], Actor], None]
Tie = Callable[[Ticket], list[str]]
Following = Callable[[Ticket, int], list[str]]
Return = Callable[[Sequence[Ticket], datetime, Actor], list[str]]
Merging = Callable[[Ticket, Ticket], list[str]]
Ordering = Callable[[Ticket, str, Actor], None]
_endings: list[Ending] = []
_ties: list[Tie] = []
_followings: list[Following] = []
_returns: list[Return] = []
_mergings: list[Merging] = []
_orderings: list[Ordering] = []


def on_closing(ending: Ending) -> Ending:
    """Register what is done, in the same transaction, with tickets (by id) that are closed."""
    _endings.append(ending)
    return ending


def ties_to_company(tie: Tie) -> Tie:
    """Register what may forbid that a ticket goes to another company: reasons, or none."""
    _ties.append(tie)
    return tie


def ties_to_followers(following: Following) -> Following:
    """Register what may forbid that a contact (by id) follows a ticket no more."""
    _followings.append(following)
    return following


def reasons_to_follow(ticket: Ticket, contact_id: int) -> list[str]:
    """Why a contact goes on following the ticket."""
    return [reason for following in _followings for reason in following(ticket, contact_id)]


def closed(ticket_ids: Sequence[int], category: str, *, actor: Actor) -> None:
    """End what hangs on these tickets when `category` is one of closed work."""
    if ticket_ids and category in rules.CLOSED:
        for ending in _endings:
            ending(ticket_ids, actor)


def reasons_to_stay(ticket: Ticket) -> list[str]:
    """Why the ticket may not go to another company."""
    return [reason for tie in _ties for reason in tie(ticket)]


def on_undoing(comes_back: Return) -> Return:
    """Register what is done when tickets, held, are open again because their closing is undone.

    It is given the moment from which on things ended with them, and answers what people are told.
    """
    _returns.append(comes_back)
    return comes_back


def on_merging(merging: Merging) -> Merging:
    """Register what goes along when the first of two tickets, both held, merges into the other.

    It answers why they may not merge, or does it and answers nothing.
    """
    _mergings.append(merging)
    return merging


def on_ordering(ordering: Ordering) -> Ordering:
    """Register what is done with a ticket whose purchase order was another one before."""
    _orderings.append(ordering)
    return ordering


def ordered(ticket: Ticket, before: str, *, actor: Actor) -> None:
    """Let what hangs on the ticket be ordered by what it is ordered by now."""
    for ordering in _orderings:
        ordering(ticket, before, actor)


def undone(tickets: Sequence[Ticket], since: datetime, *, actor: Actor) -> list[str]:
    """Bring back what ended with these tickets; what is to be said about it."""
    return [said for comes_back in _returns for said in comes_back(tickets, since, actor)]


def merged(duplicate: Ticket, into: Ticket) -> list[str]:
    """Take along what hangs on the one ticket; why it may not merge, or nothing."""
    return [reason for merging in _mergings for reason in merging(duplicate, into)]
