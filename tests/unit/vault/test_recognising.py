"""What looks like a password is found, and nothing that people merely say about one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.vault.recognising import HIDDEN, concealed, passwords_in


@pytest.mark.parametrize(
    ("text", "secret", "label"),
    [
        ("password: hunter2", "hunter2", "password"),
        ("It is broken.\nWordPress password = Tr0ub4dor&3\nThanks", "Tr0ub4dor&3", None),
        ("Passwort für den Server: geheim!", "geheim!", "Passwort für den Server"),
        ("user: bob, PASSWORD: correcthorse", "correcthorse", "user: bob, PASSWORD"),
        ("Mot de passe : soleil22, merci", "soleil22", "Mot de passe"),
        ("- contraseña (correo): «gato1234»", "gato1234", "contraseña (correo)"),
        ("Kennwort: sesam", "sesam", "Kennwort"),
        ("user/pwd:bob/ab12", "bob/ab12", "user/pwd"),
    ],
)
def test_a_password_is_found_with_what_it_is_for(text, secret, label):
    [found] = passwords_in(text)
    assert found.secret == secret
    assert label is None or found.label == label
    hidden = concealed(text)
    assert secret not in hidden
    assert HIDDEN in hidden
    assert hidden.count("\n") == text.count("\n"), "the other lines stay"


@pytest.mark.parametrize(
    "text",
    [
        "I forgot my password.",
        "Password: please reset it for me",
        "The password policy: at least 12 characters",
        "Reset your password: https://client.example/reset/abc123",
        "Passwort vergessen: was tun 2 Leute?",
        "password: ********",
        "password:",
        "Forward: hunter2",
        "Mot de passe : je ne sais plus",
        "compassword: hunter22",
    ],
)
def test_what_is_said_about_passwords_stays(text):
    assert passwords_in(text) == []
    assert concealed(text) == text


@given(
    st.lists(
        st.sampled_from(["password", "Passwort", ":", "=", "hunter2", " ", "\n", "x", "•", "("])
    )
)
def test_what_was_hidden_is_found_no_more(parts):
    hidden = concealed("".join(parts))
    assert passwords_in(hidden) == []
    assert concealed(hidden) == hidden


def test_a_long_text_is_read_at_once():
    """Linear: what would take minutes otherwise ends within the time of a test."""
    assert passwords_in("password for " * 20_000 + ":" * 20_000) == []
