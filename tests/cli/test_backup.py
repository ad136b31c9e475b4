import signal
import tarfile
from pathlib import Path

import psycopg
import pytest

from app.runtime.postgres import libpq_url
from tests.cli.shell import Shell

SHA_OF_X = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


@pytest.fixture
def source(shell: Shell, database_url: str, short_dir: Path) -> Shell:
    """An installation with a company, a file and its row."""
    with psycopg.connect(libpq_url(database_url)) as connection:
        connection.execute("UPDATE agency SET name = 'Kept & Söhne'")
        connection.execute(
            "INSERT INTO stored_file (sha256, size, media_type) VALUES (%s, 1, 'text/plain')",
            [SHA_OF_X],
        )
    path = short_dir / "data" / "files" / SHA_OF_X[:2] / SHA_OF_X
    path.parent.mkdir(parents=True)
    path.write_text("x")
    return shell


@pytest.fixture
def empty(short_dir: Path) -> Shell:
    return Shell(DATA_DIR=str(short_dir / "other"))


def test_a_restore_elsewhere_holds_the_same_rows_files_and_key(source, empty, short_dir):
    backup = short_dir / "desk.tar"
    manifest = source.answer("backup", str(backup))
    assert manifest["files"] == 1
    assert manifest["files_missing"] == []
    assert backup.stat().st_mode & 0o077 == 0

    assert empty.answer("restore", str(backup))["rows"] == manifest["rows"]
    again = empty.answer("backup", str(short_dir / "again.tar"))
    assert again["rows"] == manifest["rows"]
    assert again["issued"] == manifest["issued"]
    kept = short_dir / "other" / "files" / SHA_OF_X[:2] / SHA_OF_X
    assert kept.read_text() == "x"
    for name in ("data", "other"):
        assert (short_dir / name / "secret_key").exists()
    assert (short_dir / "data" / "secret_key").read_text() == (
        short_dir / "other" / "secret_key"
    ).read_text()


def test_a_backup_never_replaces_a_file(source, short_dir):
    backup = short_dir / "desk.tar"
    backup.write_bytes(b"last year's")
    assert "is there already" in source.answer("backup", str(backup), code=1)["error"]
    assert backup.read_bytes() == b"last year's"


def test_restore_refuses_a_database_in_use(source, short_dir):
    backup = short_dir / "desk.tar"
    source.answer("backup", str(backup))
    refusal = source.answer("restore", str(backup), code=1)
    assert "not empty" in refusal["error"]
    assert len(refusal["problems"]) == 2


def test_a_damaged_backup_is_refused_before_anything_comes_in(source, empty, short_dir):
    backup = short_dir / "desk.tar"
    source.answer("backup", str(backup))
    with tarfile.open(backup) as archive:
        member = archive.getmember("files/" + SHA_OF_X)
    content = bytearray(backup.read_bytes())
    content[member.offset_data] ^= 1
    backup.write_bytes(content)
    assert "damaged" in empty.answer("restore", str(backup), code=2)["error"]
    assert not list((short_dir / "other").glob("files/*/*"))


def test_a_file_that_is_no_backup_is_unusable(empty, short_dir):
    (short_dir / "text").write_text("no tar at all")
    assert "no usable backup" in empty.answer("restore", str(short_dir / "text"), code=2)["error"]


def test_a_backup_into_no_folder_is_refused(source, short_dir):
    assert "no folder" in source.answer("backup", str(short_dir / "a" / "b.tar"), code=2)["error"]


def test_a_backup_into_a_folder_that_takes_no_files_is_refused(source):
    refused = source.answer("backup", "/proc/desk.tar", code=1)
    assert "could not be written" in refused["error"]


@pytest.mark.parametrize(
    "point",
    ["storage.before_rename", "restore.before_load", "restore.loaded", "restore.compared"],
)
def test_a_restore_that_was_killed_is_finished_by_another_one(source, short_dir, point):
    backup = short_dir / "desk.tar"
    manifest = source.answer("backup", str(backup))
    other = str(short_dir / "other")
    killed = Shell(DATA_DIR=other, FAULTPOINT=point).run("restore", str(backup))
    assert killed.returncode == -signal.SIGKILL
    empty = Shell(DATA_DIR=other)
    assert empty.answer("restore", str(backup))["rows"] == manifest["rows"]
    again = empty.answer("backup", str(short_dir / "again.tar"))
    assert (again["rows"], again["files_missing"]) == (manifest["rows"], [])
    keys = {(short_dir / name / "secret_key").read_text() for name in ("data", "other")}
    assert len(keys) == 1
    assert "not empty" in empty.answer("restore", str(backup), code=1)["error"]


def test_a_restore_that_was_killed_is_not_finished_by_one_of_another_backup(
    source, short_dir, database_url
):
    first, second = short_dir / "desk.tar", short_dir / "later.tar"
    source.answer("backup", str(first))
    with psycopg.connect(libpq_url(database_url)) as connection:
        connection.execute("UPDATE agency SET name = 'Changed since'")
    source.answer("backup", str(second))
    other = str(short_dir / "other")
    Shell(DATA_DIR=other, FAULTPOINT="restore.before_load").run("restore", str(first))
    empty = Shell(DATA_DIR=other)
    refused = empty.answer("restore", str(second), code=1)["error"]
    assert f"A restore of {first} was begun here" in refused
    assert empty.answer("restore", str(first))["files"] == 1
