"""The state machine and the words that may stand on a ticket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import RuleError
from app.tickets import rules

CATEGORIES = ("new", "open", "waiting", "resolved", "completed")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("new", "open"),
        ("new", "waiting"),
        ("open", "waiting"),
        ("waiting", "open"),
        ("open", "resolved"),
        ("resolved", "completed"),
        ("resolved", "open"),
        ("completed", "open"),
    ],
)
def test_the_steps_of_the_design(before, after):
    assert rules.may_become(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [("open", "new"), ("completed", "waiting"), ("completed", "resolved"), ("resolved", "waiting")],
)
def test_other_steps_are_refused_with_what_is_possible(before, after):
    with pytest.raises(RuleError, match=rf"#7 is {before} .*may become {rules.NEXT[before][0]}"):
        rules.ensure_may_become(7, before, after)


@pytest.mark.parametrize("before", CATEGORIES)
def test_nothing_becomes_new_again(before):
    assert rules.may_become(before, "new") is (before == "new")


def test_a_file_name_is_a_name_and_no_path():
    assert rules.file_name("..\\..\\etc/passwd") == "passwd"
    assert rules.file_name("in\x00voi\r\nce.pdf") == "invoice.pdf"
    assert rules.file_name("fdp\u202egnp.exe") == "fdpgnp.exe"
    assert rules.file_name("/") == "file"
    long = rules.file_name("a" * 400 + ".pdf")
    assert len(long) == 255
    assert long.endswith(".pdf")


@given(st.text())
def test_any_file_name_becomes_a_short_one_line_name(name):
    kept = rules.file_name(name)
    assert 0 < len(kept) <= 255
    assert not set(kept) & {"/", "\\", "\n", "\r", "\x00"}


@given(st.text())
def test_a_subject_is_one_line(text):
    assert "\n" not in rules.clean_line(text)
    assert rules.clean_line(text) == rules.clean_line(rules.clean_line(text))


def test_files_have_a_limit_that_names_the_file():
    assert rules.file_problems("a.pdf", 25 * 1024 * 1024) == []
    [problem] = rules.file_problems("big.iso", 25 * 1024 * 1024 + 1)
    assert "big.iso" in problem
    assert "25 MiB" in problem
