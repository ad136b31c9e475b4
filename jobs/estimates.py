"""Drawing the papers of estimates, so that no page waits for one, or writes."""

from typing import Any

from app.core.db import db
from app.core.jobs import Running, handler
from app.estimates import papers


@handler(papers.DRAW)
def draw(running: Running) -> dict[str, Any]:
    """Draw the paper in the payload, unless another job was quicker."""
    paper = papers.undrawn(running.payload["paper"])
    db.session.rollback()  # what was read is done with; the step is a transaction of its own
    if paper is None:
        return {"drawn": 0}
    filed = papers.draw_and_file(paper)
    with running.step():
        papers.record(filed)
    return {"drawn": 1}
