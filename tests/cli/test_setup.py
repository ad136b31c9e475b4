import base64

import pytest

from app.billing.numbering import take_numbers
from app.core import clock
from app.core.db import unit_of_work

DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_the_agency_is_as_it_was_told(cli, tmp_path):
    logo = tmp_path / "logo.png"
    logo.write_bytes(DOT)
    answer = cli(
        "agency", "set", "--name", "  Fjord   & Söhne ", "--currency", "nok", "--zone",
        "Europe/Oslo", "--country", "no", "--tax-id", "NO 999", "--iban",
        "de89 3704 0044 0532 0130 00", "--paper", "Letter", "--logo", str(logo),
        "--next-number", "417",
    )  # fmt: skip
    assert answer["name"] == "Fjord & Söhne"
    assert (answer["currency"], answer["country"], answer["paper"]) == ("NOK", "NO", "letter")
    assert answer["iban"] == "DE89370400440532013000"
    assert answer["logo"] is not None
    assert answer["next_number"] == 417
    assert cli("agency", "show") == answer


def test_what_is_not_given_stays(cli):
    cli("agency", "set", "--name", "First", "--tax-id", "T1")
    answer = cli("agency", "set", "--zone", "Europe/Paris")
    assert (answer["name"], answer["tax_id"], answer["zone"]) == ("First", "T1", "Europe/Paris")
    assert cli("agency", "set", "--tax-id", "")["tax_id"] is None


def test_every_reason_is_told_at_once_and_nothing_changes(cli, tmp_path):
    broken = tmp_path / "logo.png"
    broken.write_bytes(b"\x89PNG but no picture")
    before = cli("agency", "show")
    refusal = cli(
        "agency", "set", "--name", " ", "--currency", "EURO", "--zone", "Mars/Olympus",
        "--country", "DEU", "--iban", "DE89370400440532013001", "--paper", "a3",
        "--terms-days", "-1", "--logo", str(broken), "--next-number", "0", code=1,
    )  # fmt: skip
    assert len(refusal["problems"]) == 9, refusal
    assert cli("agency", "show") == before


def test_the_first_invoice_gets_the_number_told_and_then_it_is_fixed(cli):
    cli("agency", "set", "--next-number", "417")
    today = clock.today()
    with unit_of_work():
        numbers = take_numbers("invoice", 2, on=today)
    assert numbers.number(0) == f"INV-{today.year}-00417"
    assert cli("agency", "show")["next_number"] == 419
    refusal = cli("agency", "set", "--next-number", "1", code=1)
    assert "without a gap" in refusal["error"]


@pytest.mark.parametrize("number", ["0", "-3", "100000000"])
def test_numbers_begin_at_a_positive_number(cli, number):
    cli("agency", "set", "--name", "Kept", f"--next-number={number}", code=1)
    assert cli("agency", "show")["name"] != "Kept"


def test_a_user_gets_a_password_made_or_given(cli, client):
    made = cli("users", "create", "ada@example.com", "--role", "Admin")
    assert len(made["password"]) >= 12
    given = cli(
        "users", "create", "bo@example.com", "--role", "Agent", stdin="plenty of words here\n"
    )
    assert "password" not in given
    users = cli("users", "list")["users"]
    listed = {user["email"]: user["roles"] for user in users}
    assert listed == {"ada@example.com": ["Admin"], "bo@example.com": ["Agent"]}
    assert not any(user["invited"] for user in users)


def test_a_user_that_cannot_be_is_refused_with_every_reason(cli):
    cli("users", "create", "ada@example.com", "--role", "Admin")
    refusal = cli("users", "create", "ADA@example.com", "--role", "King", stdin="short\n", code=1)
    assert len(refusal["problems"]) >= 3


def test_people_read_a_refusal_once(cli, app):
    cli("init")
    done = app.test_cli_runner().invoke(args=["agency", "set", "--currency", "XXQ"])
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.count("XXQ") == 1
