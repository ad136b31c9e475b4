"""`flask imports`, and what the four nouns that import share."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from app.billing.queries_dashboards import unbilled_of
from app.cli.base import (
    Answer,
    DeskGroup,
    carry_out,
    file_argument,
    progress,
    settle_prices,
    wait_option,
)
from app.companies import lookup
from app.core.audit import Actor
from app.core.db import unit_of_work
from app.core.errors import NotFoundError, UnusableInputError
from app.imports import commands, mending, proposing, undo_commands, values, workbook
from app.imports.batches import batch_of
from app.imports.importer import EMPTY, MODES, Options

ACTOR = Actor(name="command line", channel="cli")

COMMAND = DeskGroup("imports", help="Files brought in: undo, and what was refused.")


@COMMAND.command("undo")
@click.argument("batch", type=int)
@click.option("--dry-run", is_flag=True, help="Say what would be undone.")
@wait_option
def undo(batch: int, dry_run: bool, wait: bool) -> Answer:
    """Undo what an import created and updated; rows changed since are left and listed."""
    return undo_batch(batch, dry_run=dry_run, wait=wait)


@COMMAND.command("refused")
@click.argument("batch", type=int)
@click.argument("output", type=click.Path(dir_okay=False, writable=True, path_type=Path))
def refused(batch: int, output: Path) -> Answer:
    """Write the refused rows with their reasons to a file, to correct and import again."""
    with unit_of_work():
        content = mending.error_file(batch)
    output.write_bytes(content)
    return {"batch": batch, "file": str(output.resolve())}


def undo_batch(batch: int, *, dry_run: bool, wait: bool) -> Answer:
    """Undo a batch of any kind; archived companies with work that is not billed are named."""
    with unit_of_work():
        if dry_run:
            return _with_warnings(undo_commands.undo_dry_run(batch), "would be archived")
        job = undo_commands.start_undo(ACTOR, batch)
    answer = carry_out(job, wait=wait)
    with unit_of_work():
        return _with_warnings(answer, "is archived")


def _with_warnings(answer: Answer, archived: str) -> Answer:
    ids = answer.get("archived_ids")
    if not ids or batch_of(answer["batch"]).kind != "companies":
        return answer
    waiting: dict[str, int] = {}
    for row in unbilled_of(ids):
        waiting[row.name] = waiting.get(row.name, 0) + row.entries
    warnings = [
        f"{name} {archived} and has unbilled time ({count}): restore it, or let somebody else pay"
        " for it."
        for name, count in waiting.items()
    ]
    return {**answer, "warnings": warnings}


def import_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The argument and options that all imports share."""
    mapping = click.Path(exists=True, dir_okay=False, path_type=Path)
    for decorate in reversed(
        (
            file_argument(),
            click.option("--mapping", type=mapping, help="JSON: header -> field, extra or ''."),
            click.option(
                "--company",
                help="Id, external id or name, for rows without one; an unknown name makes one.",
            ),
            click.option("--source", help="Name under which external ids are unique."),
            click.option("--zone", help="IANA zone of the times in the file."),
            click.option("--date-order", type=click.Choice(["dmy", "mdy"])),
            click.option(
                "--mode",
                type=click.Choice(MODES),
                default="both",
                help="Create what is new, update what is there, or both.",
            ),
            click.option(
                "--empty",
                type=click.Choice(EMPTY),
                default="leave",
                help="What an empty cell does to what stands: leave or clear it.",
            ),
            click.option("--dry-run", is_flag=True, help="Write nothing."),
            wait_option,
        )
    ):
        function = decorate(function)
    return function


def import_file(
    kind: str,
    file: Path,
    *,
    mapping: Path | None,
    company: str | None,
    source: str | None,
    zone: str | None,
    date_order: str | None,
    mode: str,
    empty: str,
    dry_run: bool,
    wait: bool,
    billable: bool | None = None,
    state: str = "approved",
) -> Answer:
    """Import one file of a kind, or say what an import would do."""
    chosen = _mapping(mapping.read_bytes()) if mapping else None
    options = Options(
        source=source,
        zone=_zone(zone),
        date_order=date_order,
        mode=mode,
        empty=empty,
        **_company(company),
        billable=billable,
        state=state,
    )
    if dry_run:
        with unit_of_work(), file.open("rb") as opened:
            stream = workbook.as_table(opened)
            found = proposing.propose(kind, stream, chosen=chosen)
            return commands.dry_run(kind, stream, found, options)
    with unit_of_work():
        batch = commands.upload(
            ACTOR, kind, file.read_bytes(), file_name=file.name, options=options, chosen=chosen
        )
        commands.ensure_clear(batch.id)
        job = commands.start(ACTOR, batch.id)
        number = batch.id
    progress(f"Import {number} …")
    answer = carry_out(job, wait=wait)
    if wait:
        settle_prices()
    return answer


def _mapping(raw: bytes) -> dict[str, str]:
    """Read a mapping file: a JSON object of header -> field. Raises UnusableInputError."""
    try:
        found = json.loads(raw)
    except ValueError as error:
        msg = f'The mapping file is not JSON ({error}): write {{"Header": "field"}}.'
        raise UnusableInputError(msg) from error
    found = found.get("mapping", found) if isinstance(found, dict) else found
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        msg = 'The mapping file must hold one object of texts: {"Header": "field"}.'
        raise UnusableInputError(msg)
    return found


def _zone(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        return values.zone(name)
    except ValueError as error:
        msg = f"--zone {name!r}: {error}"
        raise UnusableInputError(msg) from error


def _company(named: str | None) -> dict[str, Any]:
    """The company of rows that name none; a name that is new is made on the way, a number not."""
    if named is None:
        return {}
    with unit_of_work():
        try:
            return {"company": lookup.company(named).id}
        except NotFoundError:
            if named.strip().isdecimal() or not named.strip():
                raise
            return {"company_name": named.strip()}
