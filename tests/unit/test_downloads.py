"""What a file is called on its way out: any name, in headers that every server can write."""

import pytest
from werkzeug.http import parse_options_header
from werkzeug.wrappers import Response

from app.core.downloads import offer_as

NAMES = ("notes.txt", "31–60 days.csv", "株式会社.pdf", "Łódź “a” 100 %.xlsx", 'say "hi"; x=1.txt')


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_any_script_arrives_and_fits_a_header(name):
    response = Response()
    offer_as(response, name)
    header = response.headers["Content-Disposition"]
    header.encode("ascii")
    kind, options = parse_options_header(header)
    assert (kind, options["filename"]) == ("attachment", name)
