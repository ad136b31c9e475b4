"""Before an undo: which companies would keep work that nobody bills any more."""

from app.core import jobs
from app.core.db import unit_of_work
from tests import factories as make
from tests.imports.bring import bring
from tests.web.import_desk import go_on, uploaded, words


def test_an_undo_names_companies_whose_work_is_not_billed_yet(clerk):
    url = uploaded(clerk, "Company;Currency\nFjord;EUR\nBo Ltd;EUR\n")
    go_on(clerk, url, "mapping")
    go_on(clerk, url, "apply")
    assert "not billed yet" not in words(clerk.get(f"{url}/undo").text)
    with unit_of_work():
        make.rate("100")
        make.staff("Ana")
    bring("time", "User;Client;Date;Hours\nAna;Fjord;2026-03-02;1,5\n")
    jobs.run_due()
    page = words(clerk.get(f"{url}/undo").text)
    assert "A company that would be archived has work that is not billed yet" in page
    assert "Fjord 1 EUR 150.00" in page
    assert "Bo Ltd" not in page
