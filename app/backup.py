"""Backup and restore: one file with the database, the files, the keys and a manifest.

The dump and the manifest's figures are of one snapshot, so that a restore can be checked against
them to the cent. Files are stored before the rows that name them: copied after the dump, none
that it names is missing.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from alembic.script import ScriptDirectory
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock, storage
from app.core.db import db
from app.core.errors import RuleError, UnusableInputError
from app.core.faults import faultpoint
from app.core.models import StoredFile
from app.installation import alembic_config, initialise, revision_of
from app.runtime.postgres import EXTENSIONS, libpq_url, postgres_programs
from config import Settings

FORMAT = 1
MANIFEST, DUMP, FILES = "manifest.json", "database.dump", "files/"
RESTORING = "restoring.json"  # in the data directory, until all of a backup has come in
KEYS = ("secret_key", "vault_keys")  # as they are called in the data directory and in Settings
Manifest = dict[str, Any]

TABLES = text(
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    " ORDER BY relname"
)
ISSUED = text(
    "SELECT currency, kind, count(*) AS documents, sum(gross_minor)::text AS gross_minor"
    " FROM document GROUP BY currency, kind ORDER BY currency, kind"
)


def back_up(settings: Settings, target: Path) -> Manifest:
    """Write a backup to `target` while everything goes on; returns its manifest.

    Raises `RuleError` when the dump or the file cannot be written; then no file is left.
    """
    folder = _folder_of(target)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".backup-") as name:
            manifest = _dump(Path(name) / DUMP)
            draft = Path(name) / "backup"
            _pack(settings, draft, Path(name) / DUMP, manifest)
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            faultpoint("backup.before_rename")
            draft.replace(target)
    except OSError as error:
        raise RuleError(f"{target} could not be written: {error.strerror}.") from error
    return manifest


def restore(settings: Settings, source: Path) -> Manifest:
    """Bring an empty installation to the state of a backup, and up to this version.

    One that was stopped half way is finished by another one of the same backup.

    Raises `UnusableInputError` for a file that is no backup or is damaged, `RuleError` when the
    database or the file store is not empty, or what came in is not what the manifest says.
    """
    mark = settings.data_dir / RESTORING
    begun = json.loads(mark.read_text()) if mark.exists() else {}
    if not begun:
        _refuse_unless_empty()
    try:
        with tarfile.open(source) as archive:
            manifest = _manifest_of(archive)
            if begun and begun["dump_sha256"] != manifest["dump_sha256"]:
                raise RuleError(
                    f"A restore of {begun['source']} was begun here and has not ended: restore the"
                    " same backup again, or choose a new DATA_DIR and an empty database."
                )
            with tempfile.TemporaryDirectory(prefix="restore-") as name:
                _unpack(archive, manifest, Path(name))
                if not begun:
                    _note(settings, source, manifest, compared=False)
                _bring_in(settings, archive, Path(name))
    except (tarfile.TarError, EOFError, KeyError, ValueError) as error:
        raise UnusableInputError(f"{source} is no usable backup: {error}.") from error
    except OSError as error:
        raise RuleError(f"{source} could not be restored: {error.strerror}.") from error
    if not begun.get("compared"):
        with db.engine.connect() as connection:
            _compare(manifest, _figures(connection))
        _note(settings, source, manifest, compared=True)
    faultpoint("restore.compared")
    initialise()
    mark.unlink()
    return manifest


def _note(settings: Settings, source: Path, manifest: Manifest, *, compared: bool) -> None:
    """Keep how far a restore has come, whole or not at all."""
    mark = settings.data_dir / RESTORING
    draft = mark.with_suffix(".draft")
    told = {"source": str(source), "dump_sha256": manifest["dump_sha256"], "compared": compared}
    draft.write_text(json.dumps(told))
    draft.replace(mark)


def _folder_of(target: Path) -> Path:
    folder = target.absolute().parent
    if not folder.is_dir():
        raise UnusableInputError(f"{folder} is no folder: make it first.")
    return folder


def _dump(path: Path) -> Manifest:
    """Dump and count in one snapshot."""
    with db.engine.connect() as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
        _run("pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={path}")
        figures = _figures(connection)
        hashes = connection.execute(select(StoredFile.sha256, StoredFile.size)).all()
    return {
        "format": FORMAT,
        "made_at": clock.now().isoformat(timespec="seconds"),
        **figures,
        "dump_sha256": _hash_of(path),
        "files": len(hashes),
        "file_bytes": sum(size for _, size in hashes),
        "files_missing": [sha for sha, _ in hashes if not storage.path_of(sha).exists()],
    }


def _figures(connection: Connection) -> Manifest:
    """Return what a restored database must agree with: its revision, rows and issued money."""
    tables = list(connection.scalars(TABLES))
    quoted = connection.dialect.identifier_preparer.quote
    counts = {
        name: connection.scalar(text(f"SELECT count(*) FROM {quoted(name)}"))  # noqa: S608
        for name in tables
    }
    return {
        "revision": revision_of(connection),
        "rows": counts,
        "issued": [dict(row) for row in connection.execute(ISSUED).mappings()],
    }


def _run(program: str, *arguments: object) -> str:
    """Run a program of PostgreSQL over our database; the address never shows in a process list."""
    words = conninfo_to_dict(libpq_url(db.engine.url.render_as_string(hide_password=False)))
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE"}
    names |= {"password": "PGPASSWORD", "sslmode": "PGSSLMODE"}
    env = {names[word]: str(value) for word, value in words.items() if word in names}
    command = [str(postgres_programs() / program), *map(str, arguments)]
    if program == "pg_restore" and "PGDATABASE" in env:
        command += ["--dbname", env["PGDATABASE"]]
    result = subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, **env}
    )
    if result.returncode:
        raise RuleError(f"{program} failed: {result.stderr.strip()}")
    return result.stdout


def _pack(settings: Settings, target: Path, dump: Path, manifest: Manifest) -> None:
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT, 0o600))
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        _add_text(archive, MANIFEST, json.dumps(manifest, indent=1))
        archive.add(dump, DUMP)
        for name in KEYS:
            if (settings.data_dir / name).exists():
                archive.add(settings.data_dir / name, name)
        for sha256 in db.session.scalars(select(StoredFile.sha256).order_by(StoredFile.sha256)):
            path = storage.path_of(sha256)
            if path.exists():
                archive.add(path, FILES + sha256)


def _add_text(archive: tarfile.TarFile, name: str, content: str) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(content.encode())
        file.seek(0)
        archive.addfile(archive.gettarinfo(arcname=name, fileobj=file), file)


def _manifest_of(archive: tarfile.TarFile) -> Manifest:
    manifest: Manifest = json.load(_member(archive, MANIFEST))
    if manifest.get("format") != FORMAT:
        raise ValueError(f"its format is {manifest.get('format')}, this release reads {FORMAT}")
    known = {script.revision for script in _scripts()}
    if manifest["revision"] not in known:
        raise UnusableInputError(
            f"The backup is of a newer release (revision {manifest['revision']}): "
            "install that release first."
        )
    return manifest


def _scripts() -> Iterable[Any]:
    return ScriptDirectory.from_config(alembic_config()).walk_revisions()


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    stream = archive.extractfile(name)
    if stream is None:
        raise ValueError(f"{name} is missing")
    return stream


def _unpack(archive: tarfile.TarFile, manifest: Manifest, folder: Path) -> None:
    """Check every part against its hash, and lay the dump into a folder."""
    dump = folder / DUMP
    with dump.open("wb") as file:
        shutil.copyfileobj(_member(archive, DUMP), file)
    if _hash_of(dump) != manifest["dump_sha256"]:
        raise ValueError("its dump is damaged")
    for name in _files_of(archive):
        if hashlib.sha256(_member(archive, name).read()).hexdigest() != name[len(FILES) :]:
            raise ValueError(f"{name} is damaged")


def _files_of(archive: tarfile.TarFile) -> list[str]:
    return [member.name for member in archive if member.name.startswith(FILES)]


def _bring_in(settings: Settings, archive: tarfile.TarFile, folder: Path) -> None:
    """Files and keys, which may come twice; then the database, as a whole and once."""
    for name in _files_of(archive):
        storage.write(_member(archive, name).read())
    for name in set(KEYS) & set(archive.getnames()):
        if not getattr(settings, name):
            key = settings.data_dir / name
            key.write_bytes(_member(archive, name).read())
            key.chmod(0o600)
    faultpoint("restore.before_load")
    if not _tables():
        _load(folder / DUMP, folder)
    faultpoint("restore.loaded")


def _load(dump: Path, folder: Path) -> None:
    """Load the dump, but for its extensions: those are the server's, not ours to comment on."""
    entries = _run_list(dump).splitlines()
    wanted = folder / "wanted"
    wanted.write_text("\n".join(line for line in entries if " EXTENSION " not in line) + "\n")
    _create_extensions()
    _run(
        "pg_restore",
        "--exit-on-error",
        "--single-transaction",
        "--no-owner",
        "--no-privileges",
        f"--use-list={wanted}",
        dump,
    )


def _run_list(dump: Path) -> str:
    command = [str(postgres_programs() / "pg_restore"), "--list", str(dump)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _create_extensions() -> None:
    with db.engine.begin() as connection:
        for name in EXTENSIONS:
            connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {name}"))


def _refuse_unless_empty() -> None:
    tables = _tables()
    problems = []
    if tables:
        problems.append(
            f"The database is not empty ({len(tables)} tables): restore into a new DATA_DIR, "
            "or into an empty database named by DATABASE_URL."
        )
    if any(storage.root().rglob("*/*")):
        problems.append(f"The file store {storage.root()} is not empty: choose a new DATA_DIR.")
    if problems:
        raise RuleError(*problems)


def _tables() -> list[str]:
    try:
        with db.engine.connect() as connection:
            return list(connection.scalars(TABLES))
    except SQLAlchemyError as error:
        raise RuleError(f"The database does not answer: {error}") from error


def _compare(manifest: Manifest, found: Manifest) -> None:
    problems = [
        f"{part}: the backup says {manifest[part]}, the database {found[part]}"
        for part in ("revision", "rows", "issued")
        if manifest[part] != found[part]
    ]
    if problems:
        raise RuleError(*problems)


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
