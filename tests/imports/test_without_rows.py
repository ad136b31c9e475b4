"""A file of a header alone is what an empty desk exports: taken, and said to hold nothing."""

import pytest

from tests.imports.bring import bring, counts, try_out

SAID = "The file holds no rows below its header: nothing is imported."
HEADERS = {
    "companies": "Name,City\n",
    "contacts": "Name,Email,Company\n",
    "tickets": "Number,Subject,Opened\n",
    "time": "Person,Client,Date,Hours\n",
}


@pytest.mark.parametrize("kind", HEADERS)
def test_it_imports_nothing_and_says_so(app, kind):
    for answer in (try_out(kind, HEADERS[kind]), bring(kind, HEADERS[kind] + "\n,,\n")):
        assert counts(answer) == (0, 0, 0, 0, 0)
        assert answer["warnings"][0] == SAID


def test_a_file_with_rows_is_not_said_to_have_none(app):
    assert try_out("companies", "Name\nFjord\n")["warnings"] == []
