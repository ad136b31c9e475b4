import pytest

from app.core.passwords import new_password, problems_with

EMAIL = "ana.lima@example.com"


@pytest.mark.parametrize(
    "password",
    [
        "", "short", "elevenchars", "password1234", "Password!2026", "123456789012",
        "aaaaaaaaaaaaa", "qwertyuiop12", "passwordpassword",
        "Administrator1", "ana.lima@example.com", "Ana.Lima12345",
        "tallydesk2026", "abababababab", "x" * 1001,
    ],
)  # fmt: skip
def test_weak_passwords_are_refused_with_a_reason(password: str) -> None:
    assert problems_with(password, email=EMAIL)


@pytest.mark.parametrize(
    "password", ["correct horse battery", "Fjord-Lantern-Pebble", "q7!kd92mzzpa", "ånglerfisch-tee"]
)
def test_a_phrase_is_accepted(password: str) -> None:
    assert problems_with(password, email=EMAIL) == []


def test_made_passwords_are_long_and_never_the_same() -> None:
    made = {new_password() for _ in range(200)}
    assert len(made) == 200
    assert all(problems_with(password, email=EMAIL) == [] for password in made)
