"""Codes of an authenticator app, by the test vectors of RFC 6238."""

from datetime import UTC, datetime, timedelta

import pytest

from app.core import totp

RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
VECTORS = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
]


@pytest.mark.parametrize(("second", "code"), VECTORS)
def test_the_codes_of_the_standard(second, code):
    at = datetime.fromtimestamp(second, UTC)
    assert totp.code_at(RFC_SECRET, totp.step_at(at)) == code[-6:]


def test_a_clock_may_be_off_by_a_step_and_no_more():
    secret = totp.new_secret()
    now = datetime(2026, 3, 10, 12, 0, 10, tzinfo=UTC)
    code = totp.code_at(secret, totp.step_at(now))
    for seconds, fits in ((-60, False), (-30, True), (0, True), (30, True), (60, False)):
        found = totp.matching_step(secret, code, now + timedelta(seconds=seconds))
        assert (found is not None) is fits


def test_no_code_works_twice():
    secret = totp.new_secret()
    now = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
    code = totp.code_at(secret, totp.step_at(now))
    step = totp.matching_step(secret, f"{code[:3]} {code[3:]}", now)
    assert step == totp.step_at(now)
    assert totp.matching_step(secret, code, now, after=step) is None


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "１２３４５６", "0" * 1000])
def test_nonsense_is_no_code(code):
    assert totp.matching_step(RFC_SECRET, code, datetime(2026, 3, 10, tzinfo=UTC)) is None
