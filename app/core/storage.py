"""Files kept by content: the same bytes are stored once, under their SHA-256.

Bytes reach the disk (temporary file, fsync, rename) before any row names them, so a row always
has its file; a file without a row is swept later.
"""

import hashlib
import os
import tempfile
from pathlib import Path

from flask import current_app
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core.db import db
from app.core.errors import RuleError
from app.core.faults import faultpoint
from app.core.models import StoredFile


def root() -> Path:
    """The folder of the store, under the data directory."""
    return Path(current_app.config["STORAGE_DIR"])


def path_of(sha256: str) -> Path:
    """Where the bytes of a hash live."""
    return root() / sha256[:2] / sha256


def write(content: bytes) -> str:
    """Put bytes on disk and return their SHA-256; needs no transaction.

    Raises `RuleError` when the disk is full or read-only; nothing half-written is left visible.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    target = path_of(sha256)
    temporary = None
    try:
        if target.exists():
            os.utime(target)  # what nobody names yet stays for as long as if it came now
            return sha256
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=root(), prefix="tmp-", delete=False) as file:
            temporary = file.name
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        faultpoint("storage.before_rename")
        Path(temporary).replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise RuleError(
            f"The file could not be stored ({error.strerror}): free or mend the disk, then repeat."
        ) from error
    return sha256


def _sync_folder(folder: Path) -> None:
    faultpoint("storage.after_rename")
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def register(sha256: str, *, size: int, media_type: str) -> int:
    """The id of the `StoredFile` row of bytes already written; made when missing."""
    make = (
        insert(StoredFile)
        .values(sha256=sha256, size=size, media_type=media_type)
        .on_conflict_do_nothing(index_elements=["sha256"])
        .returning(StoredFile.id)
    )
    # held, so that housekeeping does not forget it before it is named here
    held = select(StoredFile.id).where(StoredFile.sha256 == sha256)
    held = held.with_for_update(read=True, key_share=True)
    while True:
        found = db.session.scalar(make) or db.session.scalar(held)
        if found is not None:
            return found


def put(content: bytes, *, media_type: str) -> int:
    """Write bytes and register them in the present unit of work; returns the file's id."""
    return register(write(content), size=len(content), media_type=media_type)


def read(file: StoredFile) -> bytes:
    """The bytes of a stored file, checked against their hash.

    Raises `RuleError` when they are gone or damaged.
    """
    return content(file.sha256, file_id=file.id)


def content(sha256: str, *, file_id: int) -> bytes:
    """The bytes of a hash, checked against it; needs no transaction. Raises as `read` does."""
    try:
        found = path_of(sha256).read_bytes()
    except OSError as error:
        raise RuleError(f"File {file_id} is missing from the store: restore it.") from error
    if hashlib.sha256(found).hexdigest() != sha256:
        raise RuleError(f"File {file_id} is damaged: its bytes do not match its hash.")
    return found
