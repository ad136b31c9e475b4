"""A zone that the agency's days are counted by is one that everybody knows, the database too."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError

from app.core import zones
from app.core.db import db, unit_of_work
from tests import factories


def test_the_database_takes_no_zone_that_it_cannot_count_by(app):
    with unit_of_work():
        company = factories.company("Fjord").id
    for table in ("company", "agency"):
        change = text(f"update {table} set zone = 'localtime'")
        with pytest.raises(DataError, match="not recognized"), unit_of_work() as session:
            session.execute(change)
    with unit_of_work() as session:
        change = text("update company set zone = 'Pacific/Apia' where id = :id")
        session.execute(change, {"id": company})


def test_the_database_knows_every_zone_that_is_offered(app):
    known = set(db.session.scalars(text("select name from pg_timezone_names")))
    assert set(zones.OFFERED) <= known
    assert "UTC" in zones.OFFERED
    assert "localtime" not in zones.KNOWN
