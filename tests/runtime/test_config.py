import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from config import Settings, SettingsError


def refused(**environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(environ)
    return "\n".join(caught.value.problems)


def test_an_empty_environment_serves_this_machine_only():
    settings = Settings.from_env({})
    assert settings.public_url == "http://127.0.0.1:8080"
    assert set(settings.trusted_hosts) == {"127.0.0.1", "localhost", "[::1]"}
    assert not settings.hardened
    assert settings.data_dir.is_absolute()


def test_the_address_people_see_follows_the_port():
    assert Settings.from_env({"PORT": "9000"}).public_url == "http://127.0.0.1:9000"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_each_usual_database_address_names_our_driver(scheme: str):
    settings = Settings.from_env({"DATABASE_URL": f"{scheme}://a:b@db/desk"})
    assert settings.database_url == "postgresql+psycopg://a:b@db/desk"


def test_every_unusable_value_is_named_at_once():
    text = refused(PORT="eighty", DATABASE_URL="mysql://db", WORKERS="-1", LOG_LEVEL="loud")
    assert [line.partition(":")[0] for line in text.splitlines()] == [
        "PORT",
        "DATABASE_URL",
        "WORKERS",
        "LOG_LEVEL",
    ]


def test_a_public_address_needs_a_public_url():
    assert "PUBLIC_URL" in refused(HOST="0.0.0.0")
    settings = Settings.from_env({"HOST": "0.0.0.0", "PUBLIC_URL": "https://desk.example.com"})
    assert settings.hardened
    assert settings.trusted_hosts == ("desk.example.com",)


def test_https_hardens_even_behind_a_local_proxy():
    assert Settings.from_env({"PUBLIC_URL": "https://desk.example.com"}).hardened


@pytest.mark.parametrize(
    "key", ["short", "\\2\\1thisismyscretkey\\1\\2\\e\\y\\y\\h", "thisISaSECRET_1234"]
)
def test_known_and_short_keys_are_refused(key: str):
    assert "SECRET_KEY" in refused(SECRET_KEY=key)
    assert "SECRET_KEY_FALLBACKS" in refused(SECRET_KEY="k" * 40, SECRET_KEY_FALLBACKS=key)


def test_a_secret_may_come_from_a_file_but_not_twice(tmp_path):
    path = tmp_path / "key"
    path.write_text("f" * 40 + "\n")
    assert Settings.from_env({"SECRET_KEY_FILE": str(path)}).signing_key() == "f" * 40
    assert "not both" in refused(SECRET_KEY="k" * 40, SECRET_KEY_FILE=str(path))
    assert "SECRET_KEY" in refused(SECRET_KEY_FILE=str(tmp_path / "absent"))


def test_the_generated_key_is_private_and_the_same_for_all_who_race_for_it(tmp_path):
    settings = Settings.from_env({"DATA_DIR": str(tmp_path / "data")})
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: settings.signing_key(), range(32)))
    assert len(keys) == 1
    assert len(keys.pop()) >= 32
    path = settings.data_dir / "secret_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(each.name for each in settings.data_dir.iterdir()) == ["secret_key"]


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    with pytest.raises(SettingsError, match=f"DATA_DIR: {in_the_way} cannot be made"):
        Settings(data_dir=in_the_way).make_data_dir()


@pytest.mark.parametrize("address", ["https:desk.example.com", "https://", "http://:8080"])
def test_an_address_without_a_host_is_refused(address):
    assert "PUBLIC_URL: it names no host" in refused(PUBLIC_URL=address)
