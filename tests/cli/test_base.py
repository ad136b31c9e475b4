"""The contract of every command: one JSON object, exit codes, a database brought up to date."""

import json
import subprocess
import sys

import psycopg

from app.runtime.postgres import libpq_url
from tests.cli.shell import Shell
from tests.processes import ROOT


def test_help_needs_no_database(short_dir):
    result = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "run", "--help"],
        cwd=ROOT,
        env={"DATABASE_URL": "postgresql://127.0.0.1:1/none", "DATA_DIR": str(short_dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0
    assert "init" in result.stdout
    assert "Traceback" not in result.stderr


def test_a_command_first_initialises_an_empty_database_and_says_so(embedded):
    result = embedded.run("doctor", "--json")
    assert "init" in result.stderr
    assert json.loads(result.stdout)["ok"] is True
    assert "init" not in embedded.run("doctor", "--json").stderr


def test_init_may_be_repeated_and_raced(short_dir, databases):
    databases.drop("race")
    databases.create_empty("race")
    try:
        shell = Shell(
            DATA_DIR=str(short_dir), DATABASE_URL=databases.url("race").replace("+psycopg", "")
        )
        racers = [shell.start("init", "--json") for _ in range(3)]
        outcomes = [racer.finish() for racer in racers]
        assert [each.returncode for each in outcomes] == [0, 0, 0], outcomes
        revisions = {json.loads(each.stdout)["revision"] for each in outcomes}
        assert revisions == {shell.answer("init")["revision"]}
    finally:
        databases.drop("race")


def test_a_database_that_does_not_answer_is_said_without_a_traceback(short_dir):
    shell = Shell(DATABASE_URL="postgresql://127.0.0.1:1/none", DATA_DIR=str(short_dir))
    result = shell.run("doctor", "--json")
    assert result.returncode == 1
    assert "does not answer" in json.loads(result.stdout)["error"]
    assert "Traceback" not in result.stderr


def test_unusable_settings_are_named_without_a_traceback(short_dir):
    result = Shell(PORT="http", DATA_DIR=str(short_dir)).run("doctor")
    assert result.returncode == 2
    assert "PORT" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unreadable_file_is_exit_2(shell):
    assert shell.run("restore", "/no/such/file", "--json").returncode == 2


def test_doctor_finds_what_needs_mending(shell, short_dir):
    (short_dir / "data").mkdir(mode=0o755)
    answer = shell.answer("doctor", code=1)
    assert answer["ok"] is False
    assert "DATA_DIR" in [
        each["check"] for each in answer["findings"] if each["level"] == "problem"
    ]


def test_answers_are_readable_without_json(shell):
    result = shell.run("init")
    assert result.stdout.startswith("revision: ")
    assert "migrated: no" in result.stdout


def test_unusable_arguments_are_answered_as_json(cli):
    told = cli("billing", "compile", "--through", "soon", code=2)
    assert "soon" in told["error"]
    assert cli("rates", "set", code=2)["problems"]


def test_a_byte_that_is_no_text_is_refused_as_unusable(cli):
    cli("init")
    for words in (
        ("agency", "set", "--name", "Fj\udcffrd"),
        ("taxes", "set", "--percent", "1", "--name", "V\udcff"),
    ):
        assert "no UTF-8: write it in UTF-8" in cli(*words, code=2)["error"], words
    cli("billing", "compile", "--through", "2026-03-31", "--company", "x\udcff", code=2)


def test_unknown_nouns_and_verbs_are_answered_as_json(shell):
    for words in (["nonsense"], ["billing", "nonsense"], ["imports", "--json"]):
        result = shell.run(*words, "--json")
        assert result.returncode == 2
        assert json.loads(result.stdout)["problems"]
    plain = shell.run("nonsense")
    assert plain.returncode == 2
    assert (plain.stdout, "No such command 'nonsense'" in plain.stderr) == ("", True)


def test_a_database_of_a_newer_version_is_refused_without_a_traceback(shell, database_url):
    with psycopg.connect(libpq_url(database_url)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_later'")
    result = shell.run("imports", "undo", "1", "--json")
    assert result.returncode == 1
    assert "newer version of Tallydesk (revision 9999_later" in json.loads(result.stdout)["error"]
    assert "Traceback" not in result.stderr
