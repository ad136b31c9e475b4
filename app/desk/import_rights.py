"""What a person may bring in by a file: what they may create and edit by hand, and nothing else."""

from flask_login import current_user

from app.core.errors import ForbiddenError, RuleError
from app.core.security import may
from app.desk.import_words import ASIDE, KINDS
from app.imports.models import ImportBatch

RESOURCES = {"companies": "Companies", "contacts": "Contacts", "tickets": "Tickets", "time": "Time"}
# What a file makes on the way to its own rows, as a dry run counts it.
ON_THE_WAY = {"companies_created": "Companies", "contacts_created": "Contacts"}


def may_bring(kind: str) -> bool:
    """Whether this person may import files of this kind."""
    return may("apply", "Imports") and _may_write(kind)


def may_take_back(batch: ImportBatch) -> bool:
    """Whether this person may undo an import: their own, or anybody's where their role has it."""
    is_own = batch.created_by is not None and batch.created_by == current_user.id
    may_undo = may("apply", "Imports") if is_own else may("undo", "Imports")
    return may_undo and _may_write(batch.kind)


def check_take_back(batch: ImportBatch) -> None:
    """Raise `ForbiddenError` for who may not undo an import."""
    check_kind(batch.kind)
    if not may_take_back(batch):
        raise ForbiddenError(
            "Somebody else brought this in: your role may undo your own imports only. An admin can"
            " change what your role may do."
        )


def may_look(kind: str) -> bool:
    """Whether this person may see what files of this kind hold."""
    return may("see", RESOURCES[kind])


def _may_write(kind: str) -> bool:
    return may("create", RESOURCES[kind]) and may("edit", RESOURCES[kind])


def kinds() -> dict[str, tuple[str, str]]:
    """The kinds that this person may import."""
    return {kind: told for kind, told in KINDS.items() if may_bring(kind)}


def check_kind(kind: str) -> None:
    """Raise `ForbiddenError` for who may not create and edit by hand what such files hold."""
    if kind in RESOURCES and not _may_write(kind):
        raise ForbiddenError(
            f"Your role may not create and edit {KINDS[kind][0].lower()}, so it may not import or"
            " undo them either. An admin can change what your role may do."
        )


def check_sight(kind: str) -> None:
    """Raise `ForbiddenError` for who may not see elsewhere what such files hold."""
    if not may_look(kind):
        raise ForbiddenError(
            f"Your role may not see {KINDS[kind][0].lower()}, so it may not see files of them"
            " either. An admin can change what your role may do."
        )


def check_aside(batch: ImportBatch) -> None:
    """Raise `RuleError` where an import makes on the way what this person may not create."""
    lacking = {name for name, resource in ON_THE_WAY.items() if not may("create", resource)}
    if lacking and "rows" not in batch.counts:
        raise RuleError("Check it first: what it would make on the way is not known yet.")
    made = [many for name, (_, many) in ASIDE.items() if name in lacking and batch.counts.get(name)]
    if made:
        raise RuleError(
            f"It would make {' and '.join(made)} on the way, which you may not create: have them"
            " made first, or leave the import to somebody who may."
        )
