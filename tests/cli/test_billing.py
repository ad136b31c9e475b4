"""A month billed from the command line alone, with nothing else running."""

import json
from pathlib import Path

import psycopg

from tests.conftest import shared_folder

COMPANIES = "Name,Tax ID,Street,City\nFjord Dental,T1,Havn 1,Bergen\nNordlys,T2,Gate 2,Oslo\n"
TIME = (
    "User,Email,Client,Project,Description,Billable,Start date,Start time,End date,End time\n"
    "Ana,ana@x.example,Fjord Dental,Web,Fix,Yes,2026-03-02,09:00:00,2026-03-02,09:50:00\n"
    "Bo,bo@x.example,Fjord Dental,Web,Fix,Yes,2026-03-03,09:00:00,2026-03-03,09:20:00\n"
    "Ana,ana@x.example,Nordlys,Web,Talk,Yes,2026-03-03,10:00:00,2026-03-03,11:00:00\n"
    "Ana,ana@x.example,Nordlys,Web,Chat,No,2026-03-03,12:00:00,2026-03-03,13:00:00\n"
)


def written(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_a_month_from_the_command_line(shell, short_dir):
    shell.answer("companies", "import", written(short_dir, "companies.csv", COMPANIES))
    shell.answer("time", "import", written(short_dir, "time.csv", TIME))
    through = ("billing", "compile", "--through", "2026-03-31")
    blocked = shell.answer(*through)
    assert blocked["invoices"] == []
    assert {(row["company"], row["reason"], row["entries"]) for row in blocked["blocked"]} == {
        ("Fjord Dental", "no_rate", 2),
        ("Nordlys", "no_rate", 1),
    }
    forever = ("--from", "2020-01-01", "--to", "9999-12-31")
    first = shell.answer("rates", "set", "--rate", "120", *forever)["rate_rule"]
    dear = shell.answer("rates", "set", "--rate", "150", "--company", "Nordlys")["rate_rule"]
    with psycopg.connect(shell.database_url) as connection:
        worth = connection.execute("select amount_minor from entry_value order by 1").fetchall()
    assert worth == [(4000,), (10000,), (15000,)], "unbilled time has its value without a worker"
    shell.answer("taxes", "set", "--name", "VAT", "--percent", "25", "--default")
    entry = shell.answer(*through, "--company", "Nordlys", "--detail")["invoices"][0]
    won = shell.answer("rates", "explain", "--entry", str(entry["line_items"][0]["entries"][0]))
    assert (won["won"], won["rate"]) == (dear, "150.00")
    assert entry["line_items"][0]["rate"] == "150.00"
    assert [lost["rate_rule"] for lost in won["lost"]] == [first]
    dry = shell.answer(*through, "--dry-run")
    assert dry["run"] is None
    stored = shell.answer(*through)
    assert stored["invoices"] == dry["invoices"]
    assert stored["invoices"][0] | {"company_id": 0} == {
        "company": "Fjord Dental",
        "company_id": 0,
        "currency": "EUR",
        "recorded_seconds": 4200,
        "seconds": 4200,
        "lines": 1,
        "entries": 2,
        "net": "140.00",
        "tax": "35.00",
        "gross": "175.00",
    }
    run = str(stored["run"])
    issued = shell.answer("billing", "issue", run, "--no-mail")
    assert [(row["kind"], row["company"], row["gross"]) for row in issued["issued"]] == [
        ("invoice", "Fjord Dental", "175.00"),
        ("invoice", "Nordlys", "187.50"),
    ]
    for row in issued["issued"]:
        assert Path(row["pdf"]).read_bytes().startswith(b"%PDF")
        assert Path(row["pdf"]).is_relative_to(short_dir)
    assert shell.answer("billing", "issue", run) == {"issued": [], "refused": []}
    fjord, nordlys = (row["number"] for row in issued["issued"])
    paid = shell.answer(
        *("billing", "pay", fjord, "--amount", "200", "--date", "2026-04-02", "--method", "card")
    )
    assert (paid["balance"], paid["credit"]) == ("0.00", "25.00")
    refused = shell.answer("billing", "void", fjord, "--reason", "Wrong", code=1)
    assert "set against" in refused["error"]
    void = shell.answer("billing", "void", nordlys, "--reason", "Wrong month")
    assert (void["gross"], void["entries_released"]) == ("187.50", 1)
    assert Path(void["pdf"]).read_bytes().startswith(b"%PDF")
    proof = shell.answer("billing", "prove")
    assert proof["ok"]
    assert all(check["ok"] for check in proof["checks"])


def test_refusals_have_their_exit_codes(shell):
    assert (
        "future" in shell.answer("billing", "compile", "--through", "2999-01-01", code=1)["error"]
    )
    assert "no billing run" in shell.answer("billing", "issue", "99", code=1)["error"]
    assert shell.run("billing", "compile", "--through", "soon").returncode == 2
    unusable = shell.run("rates", "set", "--rate", "1,5")
    assert unusable.returncode == 2
    assert "is not a number" in unusable.stderr
    unknown = shell.answer("rates", "set", "--rate", "1", "--work-type", "Magic", code=1)
    assert "There is no work type" in unknown["error"]


def test_the_published_cases_pass(shell, short_dir):
    cases = shared_folder("billing") / "cases.json"
    answer = shell.answer("billing", "cases", str(cases))
    assert (answer["passed"], answer["failed"], answer["unsupported"]) == (answer["cases"], [], [])
    wrong = json.loads(cases.read_text())
    wrong["cases"][0]["expected"] = {"billable_seconds": 1}
    failed = shell.answer(
        "billing", "cases", written(short_dir, "wrong.json", json.dumps(wrong)), code=1
    )
    assert [case["id"] for case in failed["failed"]] == [wrong["cases"][0]["id"]]
    assert shell.run("billing", "cases", written(short_dir, "no.json", "{}")).returncode == 2


def test_values_beyond_all_measure_are_refused_in_words(cli):
    huge = "9" * 25
    assert "at most 1000000000" in cli("rates", "set", "--rate", huge, code=1)["error"]
    long_name = cli("taxes", "set", "--name", "V" * 61, "--percent", "20", code=1)
    assert "at most 60 fit" in long_name["error"]
    assert "larger or longer" in cli("billing", "issue", huge, code=1)["error"]
    assert "larger or longer" in cli("rates", "explain", "--entry", huge, code=1)["error"]


def test_a_day_in_another_order_is_named_with_the_way_to_write_it(shell):
    refused = shell.run("billing", "compile", "--through", "31.10.2026")
    assert refused.returncode == 2
    assert "'31.10.2026' is no day; write it like 2026-10-31." in refused.stderr
