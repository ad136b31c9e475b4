"""Compiling and issuing billing runs, and pricing changed time: one command each."""

from dataclasses import asdict
from typing import Any

from app.billing.commands.compile import compile_run
from app.billing.commands.issue import issue_run
from app.billing.commands.telling import TELL, tell_tickets
from app.billing.commands.values import unbilled_ids, value_entries
from app.billing.prove import prove
from app.companies.repricing import REVALUE
from app.core.audit import Actor
from app.core.jobs import Running, handler
from app.estimates.burn import warn_of_entries

VALUED_AT_ONCE = 5_000


@handler("billing.compile")
def compile_(running: Running) -> dict[str, Any]:
    """Compile the run in the payload into stored previews."""
    return compile_run(running)


@handler("billing.issue")
def issue(running: Running) -> dict[str, Any]:
    """Issue what still holds of the run in the payload."""
    return issue_run(running)


@handler(TELL)
def tell(running: Running) -> dict[str, Any]:
    """Tell the tickets of the invoices in the payload, in one step."""
    with running.step():
        told = tell_tickets(running.payload["documents"], actor=Actor(*running.payload["actor"]))
    return {"told": told}


@handler("billing.value")
def value(running: Running) -> dict[str, Any]:
    """Price the entries in the payload anew, some thousands a step."""
    ids: list[int] = running.payload["entries"]
    valued = 0
    for at in range(0, len(ids), VALUED_AT_ONCE):
        with running.step(done=at, total=len(ids)):
            valued += value_entries(ids[at : at + VALUED_AT_ONCE])
        with running.step():
            warn_of_entries(ids[at : at + VALUED_AT_ONCE])
    return {"valued": valued}


@handler(REVALUE)
def revalue(running: Running) -> dict[str, Any]:
    """Price unbilled time anew, some thousands a step: its rates or payers have changed."""
    valued, after = 0, 0
    while True:
        with running.step(done=valued):
            ids = unbilled_ids(running.payload["company"], after=after, most=VALUED_AT_ONCE)
            valued += value_entries(ids)
        with running.step():
            warn_of_entries(ids)
        if len(ids) < VALUED_AT_ONCE:
            return {"valued": valued}
        after = ids[-1]


@handler("billing.prove")
def prove_(running: Running) -> dict[str, Any]:
    """Derive the books anew and keep what each check says; reads only."""
    with running.step(note="Deriving every document anew"):
        checks = prove()
    return {"ok": all(check.ok for check in checks), "checks": [asdict(each) for each in checks]}
