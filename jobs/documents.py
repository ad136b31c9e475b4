"""Drawing issued documents: about fifty PDFs a job, each stored once."""

from typing import Any

from app.billing.documents import stored
from app.core.db import db
from app.core.jobs import Running, handler

STEP = 10


@handler(stored.RENDER)
def render(running: Running) -> dict[str, Any]:
    """Draw those documents of the batch that have no PDF; a repeated run draws only the rest."""
    ids: list[int] = running.payload["document_ids"]
    waiting = stored.undrawn(ids)
    done = len(ids) - len(waiting)
    for at in range(0, len(waiting), STEP):
        filed = [stored.draw_and_file(one) for one in waiting[at : at + STEP]]
        db.session.rollback()  # what was read is done with; the step is a transaction of its own
        done += len(filed)
        with running.step(done=done, total=len(ids)):
            stored.record(filed)
    return {"drawn": len(waiting), "stored": len(ids)}
