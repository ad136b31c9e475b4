"""Front-end files come out of installed wheels, under addresses that change with their content."""

import gzip
import re

import pytest
from flask import Flask

from app import assets


@pytest.fixture
def client():
    app = Flask("assets-only")
    assets.init_app(app)
    with app.test_request_context():
        yield app.test_client()


@pytest.mark.parametrize("name", assets.FILES)
def test_each_name_is_served_for_a_year(client, name: str) -> None:
    answer = client.get(assets.asset(name))
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.data


def test_compressed_body_is_the_same_file(client) -> None:
    url = assets.asset("desk.css")
    squeezed = client.get(url, headers={"Accept-Encoding": "gzip"})
    assert squeezed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(squeezed.data) == client.get(url).data
    assert len(squeezed.data) < 15_000


def test_outdated_address_gets_todays_file_but_may_not_keep_it(client) -> None:
    answer = client.get("/assets/000000000000/desk.css")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_name_outside_the_table_is_not_found(client) -> None:
    assert client.get("/assets/0/../../config.py").status_code == 404
    assert client.get("/assets/0/config.py").status_code == 404


def test_sprite_holds_the_named_icons_only() -> None:
    symbols = set(re.findall(r' id="([^"]+)"', assets.load("icons.svg").body.decode()))
    assert symbols == assets.ICONS


def test_missing_icon_is_named() -> None:
    with pytest.raises(LookupError, match="no-such-icon"):
        assets.cut_sprite('<svg><symbol id="a"></symbol></svg>', frozenset({"a", "no-such-icon"}))


def test_font_awesome_names_have_an_icon() -> None:
    assert assets.icon_name("fa-edit") == "pencil"
    assert assets.icon_name("receipt") == "receipt"
    assert assets.icon_name("fa-unheard-of") == "circle"


def test_own_files_name_no_other_host() -> None:
    for name, (package, _) in assets.FILES.items():
        if package is None:
            text = assets.load(name).body.decode()
            hosts = set(re.findall(r"https?://([^/\"' ]+)", text))
            assert hosts <= {"www.w3.org"}, name
