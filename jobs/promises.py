"""Promised times: warnings that fell due, and clocks that follow a changed policy."""

from typing import Any

from app.companies.repromising import REALIGN
from app.core.jobs import Running, handler
from app.tickets import sla_clocks, sla_queries, sla_warnings

AT_ONCE = 500


@handler("promises.warn", routine=True)
def warn(running: Running) -> dict[str, Any]:
    """Warn of every promise that is near its end or past it."""
    warned = 0
    while True:
        with running.step():
            count = sla_warnings.warn(most=AT_ONCE)
        warned += count
        if count < AT_ONCE:
            return {"tickets": warned}


@handler(REALIGN)
def realign(running: Running) -> dict[str, Any]:
    """Let every running clock follow its policy as it is now."""
    done, after = 0, 0
    while True:
        with running.step(done=done):
            ids = sla_queries.live_ticket_ids(after=after, most=AT_ONCE)
            sla_clocks.changed(ids)
        if not ids:
            return {"tickets": done}
        done, after = done + len(ids), ids[-1]
