"""Loading the demo agency: one job, a step a month, that goes on where it stopped."""

from typing import Any

from app.core.jobs import Running, handler
from seeds import loading


@handler(loading.KIND)
def load(running: Running) -> dict[str, Any]:
    """Write the year that the payload asks for; returns counts per table and a hash."""
    return loading.load(running)
