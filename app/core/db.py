"""The database session, and the unit of work: the only thing that commits.

Commands never commit. Whoever calls them (a view, a job's step, the command line) opens one
`unit_of_work()` around them. What must happen outside the database happens after the commit,
through `after_commit` or, when it may not be lost, through a row in the job table.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from flask_appbuilder.utils.legacy import get_sqla_class
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import BigInteger, DateTime, Identity, MetaData, func
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.core.faults import faultpoint

if TYPE_CHECKING:  # FAB's own base is untyped: whatever derives from it could stand for anything

    class Model(DeclarativeBase):
        """The base of all tables."""

else:
    from flask_appbuilder import Model

__all__ = [
    "FULL",
    "Model",
    "Stamped",
    "after_commit",
    "db",
    "unit_of_work",
    "why_unanswered",
    "with_retry",
]

log = logging.getLogger(__name__)
FULL = {"53000", "53100"}  # insufficient resources, disk full
T = TypeVar("T")

# Alembic and error messages need stable names for what the models leave unnamed.
Model.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention

EFFECTS = "after_commit"
DEPTH = "unit_of_work_depth"


class Session(FlaskSession):
    """Runs the after-commit effects once a commit has really succeeded, FAB's own included."""

    def commit(self) -> None:
        faultpoint("commit.before")
        super().commit()
        faultpoint("commit.after")
        for effect in self.info.pop(EFFECTS, []):
            try:
                effect()
            except Exception:  # the truth is committed; the sweeper picks up what was not sent
                log.exception("after-commit effect failed")

    def rollback(self) -> None:
        self.info.pop(EFFECTS, None)
        super().rollback()


db = get_sqla_class()(session_options={"class_": Session})


class Stamped:
    """Columns that most tables share: identity and the instant of creation (UTC)."""

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )


@contextmanager
def unit_of_work() -> Iterator[Any]:
    """One transaction: commits at the end of the outermost block, or leaves nothing behind.

    An inner block joins the outer one. Yields the session.
    """
    session = db.session()
    depth = session.info.get(DEPTH, 0)
    session.info[DEPTH] = depth + 1
    try:
        yield session
        if depth == 0:
            session.commit()
    except BaseException:
        if depth == 0:
            session.rollback()
        raise
    finally:
        session.info[DEPTH] = depth


def after_commit(effect: Callable[[], object]) -> None:
    """Call `effect` once the present transaction is committed; never when it is rolled back."""
    db.session().info.setdefault(EFFECTS, []).append(effect)


def why_unanswered(error: OperationalError) -> str:
    """What to tell a person when the database cannot answer, and what to do."""
    if getattr(error.orig, "sqlstate", None) in FULL:
        return (
            "The disk of the database is full, so this was not written: free some room on it, then"
            " repeat. What was saved before is safe."
        )
    said = " ".join(str(error.orig).split())
    return f"The database does not answer ({said}). What was saved before is safe: try again soon."


IN_THE_WAY = {"40001", "40P01", "23505", "23P01"}
"""Serialization failure, deadlock, and a row that is unique or excludes the other's."""


def with_retry(unit: Callable[[], T], *, tries: int = 3) -> T:
    """Run a whole unit of work again that another one at the same moment stood in the way of.

    After a deadlock, a serialization failure, or a row that the other one wrote first: the unit
    then finds it, and says what its rules say. Only for units without effects outside the
    database. Raises the last error.
    """
    for attempt in range(1, tries + 1):
        try:
            return unit()
        except (OperationalError, IntegrityError) as error:
            db.session.rollback()
            if getattr(error.orig, "sqlstate", None) not in IN_THE_WAY or attempt == tries:
                raise
            time.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 - jitter, no secret
    raise AssertionError
