"""Rules without code: looking at what happened, and at what has waited long enough."""

import logging
from datetime import timedelta
from typing import Any

from app.automation import running as rules
from app.core import clock
from app.core.jobs import LeaseLostError, Running, handler
from app.tickets.happenings import CONSIDER

log = logging.getLogger(__name__)
KEPT = timedelta(days=7)


@handler(CONSIDER)
def consider(running: Running) -> dict[str, Any]:
    """Let the rules look at each thing that happened, one transaction each."""
    happenings = running.payload["happenings"]
    ran, troubles = 0, []
    for done, happening_id in enumerate(happenings, start=1):
        try:
            with running.step(done=done, total=len(happenings)):
                ran += rules.consider(happening_id)
        except LeaseLostError:
            raise
        except Exception as error:  # one ticket's trouble keeps no other one from its rules
            log.exception("rules: happening %s", happening_id)
            troubles.append(error)
    if troubles:
        raise troubles[0]
    return {"happenings": len(happenings), "ran": ran}


@handler("rules.strike", routine=True)
def strike(running: Running) -> dict[str, Any]:
    """Find what waiting rules have waited for, and forget what nobody answered to long ago."""
    with running.step():
        struck = rules.strike()
    with running.step():
        forgotten = rules.forget(clock.now() - KEPT)
    return {"struck": struck, "forgotten": forgotten}
