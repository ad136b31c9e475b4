import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from app.runtime import RuntimeRefusal
from app.runtime.postgres import EmbeddedServer, database_url, libpq_url, running_database
from config import Settings

ROOT = Path(__file__).resolve().parents[2]
USER = """
import sys, pathlib
from app.runtime.postgres import running_database
from config import Settings
with running_database(Settings(data_dir=pathlib.Path(sys.argv[1]))) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def settings_in(folder: Path) -> Settings:
    return Settings(data_dir=folder)


def ask(url: str, statement: str):
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


def servers_in(folder: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(folder) in " ".join(process.info["cmdline"] or []) and process.name() == "postgres"
    ]


def start_user(folder: Path) -> subprocess.Popen:
    user = subprocess.Popen(
        [sys.executable, "-c", USER, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert user.stdout.readline().startswith("postgresql+psycopg://")
    return user


def kill(user: subprocess.Popen) -> None:
    with user:
        user.kill()


def leave(user: subprocess.Popen) -> None:
    user.communicate("", timeout=30)
    assert user.returncode == 0


def test_data_outlives_the_server_and_the_owner_is_no_superuser(short_dir):
    settings = settings_in(short_dir / "data")
    with running_database(settings) as url:
        assert url == database_url(settings)
        ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")
        assert not ask(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        assert ask(url, "SELECT count(*) FROM pg_extension WHERE extname <> 'plpgsql'") == 4
        assert ask(url, "SHOW fsync") == "on"
    assert servers_in(short_dir) == []
    with running_database(settings) as url:
        assert ask(url, "SELECT answer FROM kept") == 42
    assert servers_in(short_dir) == []


def test_the_data_directory_is_closed_to_others(short_dir):
    settings = settings_in(short_dir / "data")
    with running_database(settings):
        assert (settings.data_dir / "pg").stat().st_mode & 0o077 == 0
        assert settings.data_dir.stat().st_mode & 0o066 == 0


def test_a_folder_name_with_spaces_and_signs_works(short_dir):
    with running_database(settings_in(short_dir / "Müller & Sohn 100%")) as url:
        assert ask(url, "SELECT 1") == 1


@pytest.mark.crash
def test_the_last_of_many_users_stops_the_server_even_when_some_are_killed(short_dir):
    folder = short_dir / "data"
    users = [start_user(folder) for _ in range(3)]
    assert len({user.pid for user in users}) == 3
    assert servers_in(short_dir)
    leave(users.pop())
    kill(users.pop(0))
    assert servers_in(short_dir), "one user is left"
    leave(users.pop())
    assert servers_in(short_dir) == []


@pytest.mark.crash
def test_users_who_start_at_once_share_one_server(short_dir):
    folder = short_dir / "data"
    users = [
        subprocess.Popen(
            [sys.executable, "-c", USER, str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    assert len({user.stdout.readline() for user in users}) == 1
    for user in users:
        leave(user)
    assert servers_in(short_dir) == []


@pytest.mark.crash
def test_a_server_left_by_a_kill_is_adopted_and_stopped(short_dir):
    folder = short_dir / "data"
    user = start_user(folder)
    kill(user)
    left = {process.pid for process in servers_in(short_dir)}
    assert left
    with running_database(settings_in(folder)):
        assert left <= {process.pid for process in servers_in(short_dir)}
    assert servers_in(short_dir) == []


@pytest.mark.crash
def test_committed_work_is_there_after_the_server_was_killed(short_dir):
    settings = settings_in(short_dir / "data")
    with running_database(settings) as url:
        ask(url, "CREATE TABLE kept AS SELECT 7 AS answer")
        for process in servers_in(short_dir):
            process.kill()
        psutil.wait_procs(servers_in(short_dir), timeout=5)
    with running_database(settings) as url:
        assert ask(url, "SELECT answer FROM kept") == 7


@pytest.mark.crash
def test_a_reused_process_number_is_not_taken_for_the_server(short_dir):
    settings = settings_in(short_dir / "data")
    with running_database(settings):
        record = (settings.data_dir / "pg" / "postmaster.pid").read_text()
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        lines = record.splitlines()
        (settings.data_dir / "pg" / "postmaster.pid").write_text(
            "\n".join([str(other.pid), *lines[1:]]) + "\n"
        )
        with running_database(settings) as url:
            assert ask(url, "SELECT 1") == 1
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_an_interrupted_first_start_is_begun_again(short_dir):
    settings = settings_in(short_dir / "data")
    half = settings.data_dir / "pg.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with running_database(settings) as url:
        assert ask(url, "SELECT 1") == 1


def test_a_path_too_long_for_a_socket_is_refused_with_a_way_out(short_dir):
    settings = settings_in(short_dir / ("d" * 100))
    with pytest.raises(RuntimeRefusal, match=r"too long.*shorter path.*DATABASE_URL"):
        running_database(settings).__enter__()
    assert not settings.data_dir.exists()


def test_data_of_another_major_version_is_refused_untouched(short_dir):
    folder = short_dir / "data" / "pg"
    folder.mkdir(parents=True)
    (folder / "PG_VERSION").write_text("16\n")
    with pytest.raises(RuntimeRefusal, match=r"PostgreSQL 16.*backup.*restore"):
        running_database(settings_in(short_dir / "data")).__enter__()
    assert [path.name for path in folder.iterdir()] == ["PG_VERSION"]


def test_a_server_that_cannot_start_shows_its_log(short_dir):
    settings = settings_in(short_dir / "data")
    with running_database(settings):
        pass
    with (settings.data_dir / "pg" / "postgresql.conf").open("a") as stream:
        stream.write("no_such_setting = on\n")
    with pytest.raises(RuntimeRefusal, match="no_such_setting"):
        running_database(settings).__enter__()


def test_an_outside_database_is_used_as_it_is(short_dir):
    settings = Settings(data_dir=short_dir / "data", database_url="postgresql+psycopg://db/x")
    with running_database(settings) as url:
        assert url == "postgresql+psycopg://db/x"
    assert not settings.data_dir.exists()


def test_options_of_a_private_server_are_taken(short_dir):
    server = EmbeddedServer(short_dir / "pg", options={"fsync": "off"})
    with server.in_use():
        assert ask(server.url("postgres", user="postgres"), "SHOW fsync") == "off"
    until = time.monotonic() + 5
    while servers_in(short_dir) and time.monotonic() < until:
        time.sleep(0.05)
    assert servers_in(short_dir) == []
