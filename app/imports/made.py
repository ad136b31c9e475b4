"""What an import makes on the way beside its rows: companies, contacts, people of the agency."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Made:
    """How many of one kind, and the names of the first ones in the file."""

    count: int = 0
    names: tuple[str, ...] = ()


NOTHING = Made()


def made_by(session: Session, query: str, **values: Any) -> Made:
    """What a plan makes by a query of `line` and `name`, one row each."""
    first = f"select name, count(*) over () from ({query}) as made order by line limit :most"
    rows = session.execute(text(first), {**values, "most": MOST_NAMED}).all()
    return Made(rows[0][1] if rows else 0, tuple(name for name, _ in rows))
