"""A zone that the agency's days are counted by is one that everybody knows, the database too."""

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError

from app.core import zones
from app.core.db import db, unit_of_work
from app.installation import alembic_config, initialise
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


def test_an_abbreviation_that_knows_no_summer_is_no_zone_and_becomes_a_city(app):
    with unit_of_work():
        company = factories.company("Fjord").id
    for change in ("update company set zone = 'cet'", "update agency set zone = 'WET'"):
        with pytest.raises(IntegrityError, match="_zone"), unit_of_work() as session:
            session.execute(text(change))
    assert not {"CET", "EET", "MET", "WET"} & zones.KNOWN
    config = alembic_config()
    db.session.remove()
    with db.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0055_staff_links")
        connection.execute(text("update company set zone = 'CET'"))
        connection.execute(text("update agency set zone = 'WET'"))
        connection.commit()
    initialise()
    of_company = text("select zone from company where id = :id")
    assert db.session.scalar(of_company, {"id": company}) == "Europe/Brussels"
    assert db.session.scalar(text("select zone from agency")) == "Europe/Lisbon"
