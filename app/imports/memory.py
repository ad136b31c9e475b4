"""What a person chose for a set of headers, remembered for the next file that has them."""

import hashlib
from collections.abc import Mapping

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from app.core.db import db
from app.imports import queries
from app.imports.models import ImportMapping
from app.imports.values import key


def recall(kind: str, headers: tuple[str, ...]) -> dict[str, str]:
    """The mapping last used for this set of headers; empty when there is none."""
    found = db.session.scalar(queries.remembered(kind, _header_key(headers)))
    return dict(found.mapping) if found else {}


def keep(kind: str, headers: tuple[str, ...], chosen: Mapping[str, str]) -> None:
    """Remember a mapping; an empty one forgets what was chosen before."""
    same = {"kind": kind, "header_key": _header_key(headers)}
    if not chosen:
        db.session.execute(update(ImportMapping).filter_by(**same).values(mapping={}))
        return
    statement = insert(ImportMapping).values(**same, mapping=dict(chosen))
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["kind", "header_key"], set_={"mapping": statement.excluded.mapping}
        )
    )


def _header_key(headers: tuple[str, ...]) -> str:
    return hashlib.sha256("\n".join(map(key, headers)).encode()).hexdigest()
