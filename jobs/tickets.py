"""What happens to tickets by themselves: mails of closed ones, and resolved ones that complete."""

from typing import Any

from app.core.jobs import Running, handler
from app.tickets import closing_mails, completing


@handler(closing_mails.TELL)
def tell_closed(running: Running) -> dict[str, Any]:
    """Mail clients of tickets that staff closed, one transaction each."""
    events = running.payload["events"]
    posted = 0
    for done, event_id in enumerate(events, start=1):
        with running.step(done=done, total=len(events)):
            posted += closing_mails.tell(event_id)
    return {"tickets": len(events), "mails": posted}


@handler("tickets.complete", routine=True)
def complete(running: Running) -> dict[str, Any]:
    """Complete every resolved ticket whose days without an answer are over."""
    completed = 0
    while True:
        with running.step():
            count = completing.complete()
        completed += count
        if count < completing.AT_ONCE:
            return {"tickets": completed}
