"""What comes back by itself, as data. A row of the table `schedule` makes each item happen once.

Any number of workers may look at any moment: whoever writes the row posts the job. After a pause
of all workers only the latest item of each kind is made up for.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.core import jobs
from app.core.db import db, unit_of_work
from app.core.models import Schedule

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Every:
    """A kind of job that falls due each `period`, `after` the beginning of it (UTC)."""

    kind: str
    period: timedelta
    after: timedelta = timedelta(0)

    def latest(self, now: datetime) -> datetime:
        """The last instant at or before `now` at which this fell due."""
        return now - (now - EPOCH - self.after) % self.period


DAY = timedelta(days=1)
EVERY = [
    Every("actions.remind", timedelta(minutes=15)),
    Every("communications.look", timedelta(minutes=1)),
    Every("promises.warn", timedelta(minutes=1)),
    Every("portal.end_viewings", timedelta(minutes=5)),
    Every("rules.strike", timedelta(minutes=5)),
    Every("tickets.complete", timedelta(hours=1)),
    Every("maintenance.clean", DAY, after=timedelta(hours=2)),
]


def post_due(every: list[Every] = EVERY) -> int:
    """Post what has fallen due since it was last posted; returns how many jobs."""
    posted = 0
    with unit_of_work() as session:
        now = jobs.database_now()
        for item in every:
            due = item.latest(now)
            known = select(Schedule.id).where(Schedule.name == item.kind, Schedule.due_on == due)
            if session.scalar(known) is not None:
                continue
            row = session.scalar(
                insert(Schedule)
                .values(name=item.kind, due_on=due)
                .on_conflict_do_nothing()
                .returning(Schedule.id)
            )
            if row is not None:
                job_id = jobs.post(item.kind)
                db.session.execute(update(Schedule).where(Schedule.id == row).values(job_id=job_id))
                posted += 1
    return posted
