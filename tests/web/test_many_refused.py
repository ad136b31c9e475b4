"""A file of very many bad rows: all are counted, as many are kept as pages can bear."""

from sqlalchemy import func, select

from app.core.db import db
from app.imports import commands
from app.imports.models import ImportBatch
from tests.web.import_desk import go_on, uploaded, words

ROWS = 12_000


def test_a_file_of_many_bad_rows_keeps_a_part_of_them_and_counts_all(clerk):
    rows = "".join(f"C{number},ZZZ\n" for number in range(ROWS))
    url = uploaded(clerk, f"Company,Currency\nAda,EUR\n{rows}")
    page = words(go_on(clerk, url, "mapping"))
    assert "Refused 12,000" in page
    assert "The first 10,000 of 12,000 rows" in page
    kept = select(func.jsonb_array_length(ImportBatch.counts["errors"]))
    assert db.session.scalar(kept) == commands.MOST_KEPT
    assert len(clerk.get(f"{url}/refused").data.splitlines()) == commands.MOST_KEPT + 1
    page = words(go_on(clerk, url, "apply"))
    assert "Refused 12,000" in page
    assert db.session.scalar(kept) == commands.MOST_KEPT
    assert len(clerk.get(f"{url}/refused").data.splitlines()) == ROWS + 1
    assert clerk.get(f"{url}?rows=refused&page=240").text.count('data-label="Line"') == 50
