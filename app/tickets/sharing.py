"""Who may change what is for everybody: who wrote it, and those who look after what is shared."""

from app.core.errors import RuleError
from app.tickets.queue_models import CannedReply, SavedView

Shared = CannedReply | SavedView


def may_change(kept: Shared, *, staff_id: int | None, curates: bool) -> bool:
    """Whether a person may change or delete it; what is their own they always may."""
    return curates or staff_id in {kept.staff_id, kept.owner_id} - {None}


def ensure_may_change(kept: Shared, *, staff_id: int, curates: bool) -> None:
    """Raise `RuleError` naming who may change it instead."""
    if may_change(kept, staff_id=staff_id, curates=curates):
        return
    owner = f"only {kept.owner.name}, whose it is, or" if kept.owner else "only"
    raise RuleError(
        f"“{kept.name}” is for everybody: {owner} who looks after what is shared may change it. "
        "Save a copy under a name of your own instead."
    )
