"""Files by content: once, whole, checked when read."""

import pytest

from app.core import storage
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import StoredFile


def test_the_same_bytes_are_stored_once_and_read_back(app):
    with unit_of_work():
        first = storage.put(b"invoice", media_type="application/pdf")
        second = storage.put(b"invoice", media_type="application/pdf")
    assert first == second
    assert storage.read(db.session.get(StoredFile, first)) == b"invoice"


def test_a_damaged_or_missing_file_is_named_never_served(app):
    with unit_of_work():
        file = db.session.get(StoredFile, storage.put(b"letter", media_type="text/plain"))
    path = storage.path_of(file.sha256)
    path.write_bytes(b"lettor")
    with pytest.raises(RuleError, match="damaged"):
        storage.read(file)
    path.unlink()
    with pytest.raises(RuleError, match="missing"):
        storage.read(file)


def test_a_store_that_cannot_be_written_says_so_and_leaves_nothing(app, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    app.config["STORAGE_DIR"], before = str(blocked), app.config["STORAGE_DIR"]
    try:
        with pytest.raises(RuleError, match="could not be stored"):
            storage.write(b"anything")
    finally:
        app.config["STORAGE_DIR"] = before
    assert blocked.read_text() == "not a folder"
