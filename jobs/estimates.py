"""Drawing the papers of estimates, so that nobody waits for one."""

from typing import Any

from app.core.jobs import Running, handler
from app.estimates import papers


@handler(papers.DRAW)
def draw(running: Running) -> dict[str, Any]:
    """Draw the paper in the payload, unless somebody who looked at it was quicker."""
    return {"file": papers.drawn(running.payload["paper"]).sha256}
