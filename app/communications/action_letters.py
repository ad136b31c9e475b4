"""The mails about what is formally asked: to who is asked, and to who asked.

They are posted in the transaction of what they tell.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from app.communications import action_links, actions_rules
from app.communications import actions_queries as queries
from app.communications.action_models import ActionRequest
from app.core.audit import Actor
from app.core.words import Value, kept_words
from app.tickets import notifications
from app.tickets.mail_queries import Reader
from app.tickets.models import Event


@dataclass(frozen=True, slots=True)
class Letter:
    """A kind of mail to who is asked, and what it says besides.

    With `signs_in` one signs in to approve, so that it does not say that its link is enough.
    """

    kind: str = "asked"
    told: Mapping[str, Value] = field(default_factory=dict)
    signs_in: bool = False


PLAIN = Letter()
Asking = Callable[[ActionRequest], Letter]
_letters: dict[str, Asking] = {}


def asks_by(kind: str) -> Callable[[Asking], Asking]:
    """Register the letter that asks for requests of a kind."""

    def register(letter: Asking) -> Asking:
        _letters[kind] = letter
        return letter

    return register


def letter_of(action: ActionRequest) -> Letter:
    """The letter by which somebody is asked for this, once more or in place of another."""
    asking = _letters.get(action.kind)
    return asking(action) if asking else PLAIN


def asked_text(action: ActionRequest) -> str:
    """What was asked, as words where it was ours to say."""
    return kept_words(action.event.payload, "text") or action.text


def in_short(action: ActionRequest) -> str:
    """The first words of what was asked, in quotes; empty for an estimate, which is named so."""
    return "" if action.kind == actions_rules.ESTIMATE else actions_rules.in_short(action.text)


def path_to(action: ActionRequest) -> str:
    """What those who decide in place of who was asked are led to; empty for the ticket.

    Approvers see an estimate, but not for that its ticket.
    """
    return f"/portal/actions/{action.id}" if action.kind == actions_rules.ESTIMATE else ""


def remind(action: ActionRequest, reader: Reader, *, step: str) -> int:
    """Remind who is asked; returns how many mails are new."""
    letter = Letter("reminded", signs_in=letter_of(action).signs_in)
    return post(letter, action, action.event, reader, step=step)


def post(
    letter: Letter, action: ActionRequest, event: Event, reader: Reader, *, step: str = ""
) -> int:
    """Mail who is asked; `step` tells apart mails of one kind. Returns how many are new."""
    is_over = letter.kind == "action_cancelled"
    values = {**letter.told, "due": action.due_on}
    if not is_over:
        values["link"] = action_links.url(action.id, action.contact_id, reader.address)
    key = f"action:{action.id}:{step or letter.kind}"
    options = "\n".join(f"- {each}" for each in action.options)
    occasion = notifications.Occasion(
        kind=letter.kind,
        ticket=action.ticket,
        event=event,
        author=action.asked_by,
        key=key,
        values=values,
        message=asked_text(action) if not options else f"{action.text}\n\n{options}",
        button=actions_rules.BUTTONS[action.kind] if not is_over else "",
        signs_in=letter.signs_in,
    )
    return notifications.post(occasion, [reader])


def tell_askers(
    action: ActionRequest, event: Event, author: str, outcome: str, *, but: Actor | None = None
) -> int:
    """Tell who asked what became of it, except who does it; returns how many mails are new.

    What was asked is told with it: several things may be asked on one ticket at once.
    """
    readers = [
        reader
        for reader in queries.askers_of(action)
        if but is None or reader.staff_id != but.staff_id
    ]
    about = in_short(action)
    values = {"due": action.due_on, "outcome": f"{outcome} ({about})" if about else outcome}
    said, asked = event.payload.get("text") or "", asked_text(action)
    message = asked if said in {"", asked} else f"{said}\n\nWe had asked:\n\n{asked}"
    key = f"action:{action.id}:ended"
    occasion = notifications.Occasion("action_ended", action.ticket, event, author, key, values)
    return notifications.post(replace(occasion, message=message), readers)
