"""The probes, request ids, and what a page says while the database is away."""

import json
import logging
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.core import jobs, logs, wakeup
from app.core.db import db, unit_of_work
from app.factory import create_app
from config import Settings
from tests.conftest import TESTING

NOWHERE = "postgresql+psycopg://127.0.0.1:1/none"


@pytest.fixture
def stranded(tmp_path):
    """An application whose database and broker are away."""
    settings = Settings(
        data_dir=tmp_path, database_url=NOWHERE, redis_url=f"unix://{tmp_path}/none.sock"
    )
    return create_app(settings, overrides=TESTING)


def test_a_healthy_installation_is_ready(client):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json["status"] == "ok"
    assert answer.json["parts"]["broker"] == "none"


def test_without_its_database_a_process_is_alive_but_not_ready(stranded):
    client = stranded.test_client()
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert answer.status_code == 503
    parts = answer.json["parts"]
    assert {parts["database"], parts["schema"], parts["jobs"]} == {"failed"}
    assert parts["broker"] == "degraded"


def test_a_page_asks_to_come_back_while_the_database_is_away(stranded):
    answer = stranded.test_client().post(
        "/login/", data={"username": "ada@example.com", "password": "any words at all"}
    )
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "psycopg" not in answer.text


def test_an_older_schema_is_not_ready(client):
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001_security'"))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["parts"]["schema"]) == (503, "failed")


def test_jobs_that_nobody_takes_are_seen(client):
    with unit_of_work():
        jobs.post("test.waiting", delay=timedelta(minutes=-11))
    assert client.get("/readyz").json["parts"]["jobs"] == "degraded"


def test_a_store_that_cannot_be_written_is_seen(app, client, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    app.config["STORAGE_DIR"], before = str(blocked), app.config["STORAGE_DIR"]
    try:
        assert client.get("/readyz").json["parts"]["storage"] == "failed"
    finally:
        app.config["STORAGE_DIR"] = before


def test_an_id_goes_from_the_request_to_its_log_line_and_its_job(app, client, caplog):
    caplog.set_level(logging.INFO, "tallydesk.request")
    answer = client.get("/setup", headers={"X-Request-ID": "given-by-a-proxy"})
    assert answer.headers["X-Request-ID"] == "given-by-a-proxy"
    line = json.loads(logs.JsonLines().format(caplog.records[-1]))
    assert (line["route"], line["status"], line["request_id"]) == (
        "/setup",
        200,
        "given-by-a-proxy",
    )
    with unit_of_work():
        job_id = jobs.post("test.waiting")
    running = jobs.claim(job_id)
    assert running is not None
    assert running.request_id == "given-by-a-proxy"


@pytest.mark.parametrize("given", ["", "short", "x" * 41, 'a"b\\c{d}e'])
def test_an_unusable_id_is_replaced(client, given):
    answer = client.get("/healthz", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] != given
    assert len(answer.headers["X-Request-ID"]) == 32


def test_posting_a_job_never_fails_for_want_of_a_broker(stranded, caplog):
    with stranded.app_context():
        wakeup.ring(1)
    assert "broker not reached" in caplog.text
