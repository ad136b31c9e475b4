"""What the demo agency promises: its hours, its days off, and how soon it answers and helps."""

from datetime import date

from sqlalchemy import delete

from app.companies.repromising import REALIGN
from app.core.audit import Actor
from app.core.db import db
from app.core.models import Job
from app.tickets import sla, sla_commands
from seeds.demo import Year

CALENDAR, POLICY = "Office hours", "Standard"
ZONE = "Europe/Berlin"
WORKDAYS, OPENS, CLOSES = range(5), 8 * 60, 18 * 60
DAYS_OFF = (
    (1, 1, "New Year"),
    (5, 1, "Labour Day"),
    (10, 3, "Unity Day"),
    (12, 25, "Christmas"),
    (12, 26, "Boxing Day"),
)
HOUR = 3600
# priority -> hours until the first answer, the next answer, the solution
GOALS = {"urgent": (1, 2, 8), "high": (2, 4, 20), "normal": (4, 8, 40), "low": (10, 20, 80)}
LIVE_DAYS = 7  # from which on tickets are promised something: the last days of the year of data


def write_promises(actor: Actor, year: Year) -> None:
    """A calendar and the policy for all who have none of their own."""
    years = range(year.first_day.year, year.last_day.year + 2)
    calendar = sla.Calendar(
        zone=ZONE,
        hours=dict.fromkeys(WORKDAYS, ((OPENS, CLOSES),)),
        holidays={date(each, month, day): name for each in years for month, day, name in DAYS_OFF},
    )
    kept = sla_commands.save_calendar(actor=actor, name=CALENDAR, calendar=calendar)
    sla_commands.save_policy(
        actor=actor,
        name=POLICY,
        calendar_id=kept.id,
        goals={
            priority: dict(zip(sla.TARGETS, (HOUR * each for each in hours), strict=True))
            for priority, hours in GOALS.items()
        },
        is_default=True,
    )
    # Nothing runs yet that would have to follow the policy.
    db.session.execute(delete(Job).where(Job.kind == REALIGN, Job.state == "new"))
