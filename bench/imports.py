"""Importing companies, against COPY plus one de-duplication in SQL into a twin table."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import text

from app.core import jobs
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.imports import commands
from bench.report import Report, measured, peak_mib
from bench.twins import make_twins
from bench.world import fresh_world
from jobs import load_handlers

SIZES = (10_000, 100_000)
MOST_RATIO = 5.0
MOST_GROWTH_MIB = 64
TRIES = 3
TWICE, REFUSED = 100, 1_000

COPY = "COPY raw (name, ref, country, city, phone, sector) FROM STDIN (FORMAT csv, HEADER)"
DEDUPLICATE = """
insert into twin_company (name, name_key, source, external_id, billing_country, billing_city,
                          phone, extra)
select distinct on (ref) name, lower(name), 'generic:ref', ref, country, city, phone,
       jsonb_build_object('Sector', sector)
  from raw where name <> '' and country ~ '^[A-Z]{2}$' order by ref, name"""
CHANGE = """
 on conflict (source, external_id) do update set name = excluded.name, name_key = excluded.name_key,
    billing_country = excluded.billing_country, billing_city = excluded.billing_city,
    phone = excluded.phone, extra = excluded.extra"""


def write_file(path: Path, size: int, *, area: str = "020") -> None:
    """Companies with an id, one in a hundred twice, one in a thousand without a country of ours.

    With another `area` every one of them has another phone.
    """
    with path.open("w") as file:
        file.write("Company,Ref,Country,City,Phone,Sector\n")
        for number in range(size):
            own = number - 1 if number % TWICE == 1 else number
            country = "NL" if number % REFUSED else "XX"
            file.write(f"Company {own} B.V.,R{own},{country},Town {own % 50},{area} {own},Trade\n")


def run(report: Report) -> None:
    """Import a file and another one over it, and copy both; the best of each counts."""
    load_handlers()
    peaks = []
    with TemporaryDirectory() as folder:
        for size in SIZES:
            path, changed = Path(folder) / f"{size}.csv", Path(folder) / f"{size}-changed.csv"
            write_file(path, size)
            write_file(changed, size, area="030")
            with fresh_world():
                tries = [(_imported(path), _updated(changed)) for _ in range(TRIES)]
                peaks.append(peak_mib())
                plain = [(_copied(path), _copied_over(changed)) for _ in range(TRIES)]
            for what, ours, theirs in zip(
                ("import", "import over all phones of"),
                map(min, zip(*tries, strict=True)),
                map(min, zip(*plain, strict=True)),
                strict=True,
            ):
                report.row(
                    f"{what} {size:,} companies",
                    f"{ours:.2f} s, COPY and SQL {theirs:.2f} s, ratio {ours / theirs:.2f}",
                    target=f"<= {MOST_RATIO:.0f} times",
                    kept=ours <= MOST_RATIO * theirs,
                )
    report.note(f"{COPY}{DEDUPLICATE}\nand over what is there:{CHANGE}")
    growth = peaks[1] - peaks[0]
    report.row(
        "memory of ten times the companies",
        f"{growth} MiB more ({peaks[1]} MiB)",
        target=f"<= {MOST_GROWTH_MIB} MiB more",
        kept=growth <= MOST_GROWTH_MIB,
    )


def _imported(path: Path) -> float:
    """Seconds of an import into no companies."""
    _empty("import_batch", "job", "company")
    seconds, answer = _import(path)
    if not answer["created"] > answer["unchanged"] > answer["refused"] > 0:
        raise AssertionError(answer)
    return seconds


def _updated(path: Path) -> float:
    """Seconds of an import that changes every company; undo has what each was before."""
    seconds, answer = _import(path)
    images = "select count(*) from import_row where action = 'updated' and before is not null"
    kept = db.session.scalar(text(images))
    if not answer["updated"] == kept > answer["unchanged"] > answer["refused"] > 0:
        raise AssertionError((answer, kept))
    return seconds


def _import(path: Path) -> tuple[float, dict[str, Any]]:
    with measured() as timing:
        with unit_of_work():
            actor = Actor(name="bench")
            batch = commands.upload(actor, "companies", path.read_bytes(), file_name=path.name)
            job = commands.start(actor, batch.id)
        answer: dict[str, Any] = jobs.run(job) or {}
    return timing.seconds, answer


def _copied(path: Path) -> float:
    """Seconds of plain SQL into no companies."""
    with unit_of_work() as session:
        session.execute(text("drop table if exists twin_company"))
        make_twins(["company"])
    return _copy(path, DEDUPLICATE)


def _copied_over(path: Path) -> float:
    """Seconds of plain SQL that changes every company."""
    return _copy(path, f"{DEDUPLICATE}{CHANGE}")


def _copy(path: Path, sql: str) -> float:
    with measured() as timing, unit_of_work() as session:
        columns = "name text, ref text, country text, city text, phone text, sector text"
        session.execute(text(f"create temporary table raw ({columns}) on commit drop"))
        raw: Any = session.connection().connection.driver_connection
        with raw.cursor().copy(COPY) as copy, path.open("rb") as file:
            while block := file.read(1 << 16):
                copy.write(block)
        session.execute(text("analyze raw"))
        session.execute(text(sql))
    return timing.seconds


def _empty(*tables: str) -> None:
    with unit_of_work() as session:
        session.execute(text(f"truncate {', '.join(tables)} cascade"))
    db.session.remove()
