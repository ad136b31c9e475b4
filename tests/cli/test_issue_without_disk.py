"""What is issued is told, even when its PDF cannot be drawn; the next try draws it."""

from pathlib import Path

from app.core.db import unit_of_work
from tests import factories as make


def test_a_full_disk_loses_neither_the_answer_nor_the_pdf(app, cli, tmp_path):
    with unit_of_work():
        make.rate("100")
        make.entry(make.company("Fjord"), by=make.staff())
    run = cli("billing", "compile", "--through", "2026-03-31")["run"]
    blocked = tmp_path / "not-a-folder"
    blocked.write_text("")
    before, app.config["STORAGE_DIR"] = app.config["STORAGE_DIR"], str(blocked)
    try:
        told = cli("billing", "issue", str(run), "--no-mail", code=1)
    finally:
        app.config["STORAGE_DIR"] = before
    assert [(each["gross"], each["pdf"]) for each in told["issued"]] == [("100.00", None)]
    assert cli("billing", "issue", str(run), "--no-mail") == {"issued": [], "refused": []}
    voided = cli("billing", "void", told["issued"][0]["number"], "--reason", "Wrong")
    assert Path(voided["pdf"]).read_bytes().startswith(b"%PDF")
    checks = {check["name"]: check["ok"] for check in cli("billing", "prove")["checks"]}
    assert checks["PDF files"]
