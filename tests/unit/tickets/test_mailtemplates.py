"""The words of mails about tickets."""

import pytest

from app.tickets.mailtemplates import NAMES, TEMPLATES, filled, problems, without_link


@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_subject_reads_well_with_a_question_in_it(kind):
    """What it is about stands last, whatever it ends with: never "… it?: we need"."""
    asked = "Can you host it?"
    values = dict.fromkeys(NAMES, "X") | {"subject": asked}
    assert filled(TEMPLATES[kind].subject, values).endswith(asked)


@pytest.mark.parametrize("kind", TEMPLATES)
def test_our_own_words_have_no_problems(kind):
    assert problems(kind, TEMPLATES[kind].subject, TEMPLATES[kind].body) == []


def test_who_comes_in_nowhere_still_reads_something():
    assert without_link("Hello\n\nSee {link}\n\nBye") == "Hello\n\nBye"
    assert without_link("Hello,\nsee {link}\nBye") == "Hello,\nBye"
