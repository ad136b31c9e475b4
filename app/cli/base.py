"""What every command of ours does alike: the database, the answer, the exit code.

A command is a function that returns its answer, a dictionary. `--json` prints it as one JSON
object, else it is printed for people. Progress goes to standard error through `progress`.
Exit 0: done. 1: a rule refuses, or a check found a fault. 2: unusable arguments or file.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import click
from flask import current_app
from sqlalchemy import event
from sqlalchemy.exc import DataError, OperationalError

from app.cli.text import readable
from app.companies.repricing import REVALUE
from app.core import jobs
from app.core.audit import Actor
from app.core.db import db, why_unanswered
from app.core.errors import RuleError, UnusableInputError
from app.core.models import Job
from app.installation import initialise, is_current
from app.runtime import RuntimeRefusal
from app.runtime.postgres import running_database
from jobs import load_handlers

Answer = dict[str, Any]
F = TypeVar("F", bound=Callable[..., Any])
INSTALLATION = "installation"
AS_JSON = "as_json"
ACTOR = Actor(name="command line", channel="cli")
REFUSED, UNUSABLE = 1, 2
PRICING = ("billing.value", REVALUE)


class FaultFoundError(Exception):
    """The command is done and its answer holds a fault: printed like any answer, but exit 1."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("a fault was found")
        self.answer = answer


class DeskCommand(click.Command):
    """A command that has its database ready when its function runs.

    `needs`: "schema" (the default: brings an empty or older database up to date first),
    "database" (runs, in whatever state), or "nothing".
    """

    def __init__(self, *args: Any, needs: str = "schema", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.needs = needs
        self.params.append(
            click.Option(["--json", "as_json"], is_flag=True, help="Answer with one JSON object.")
        )

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Read the arguments; with `--json` unusable ones are answered as JSON too, exit 2."""
        with _unusable_told(as_json="--json" in args):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> None:
        as_json = ctx.meta[AS_JSON] = ctx.params.pop("as_json")
        try:
            with ExitStack() as stack:
                if self.needs != "nothing":
                    stack.enter_context(database_ready(schema=self.needs == "schema"))
                answer = super().invoke(ctx)
            code = 0
        except FaultFoundError as fault:
            answer, code = fault.answer, REFUSED
        except RuleError as error:
            code = UNUSABLE if isinstance(error, UnusableInputError) else REFUSED
            answer = _refusal(list(error.problems))
        except RuntimeRefusal as error:
            answer, code = _refusal([str(error)]), REFUSED
        except UnicodeEncodeError as error:  # Python hands odd bytes on as lone surrogates
            shown = error.object[:60].encode(errors="replace").decode()
            answer = _refusal([f"{shown!r} holds a byte that is no UTF-8: write it in UTF-8."])
            code = UNUSABLE
        except DataError as error:
            said = str(error.orig).partition("\n")[0]
            answer = _refusal([f"A value is larger or longer than can be kept: {said}."])
            code = REFUSED
        except OperationalError as error:
            logging.getLogger(__name__).debug("database error", exc_info=True)
            answer, code = _refusal([why_unanswered(error)]), REFUSED
        if as_json or "problems" not in answer:  # people have read the problems already
            click.echo(_json_text(answer) if as_json else readable(answer))
        ctx.exit(code)


class DeskGroup(click.Group):
    """A noun; its commands are `DeskCommand`s."""

    command_class = DeskCommand

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Read the arguments; `--json` belongs to the verb; without one, to the error."""
        as_json = "--json" in args
        with _unusable_told(as_json=as_json):
            context = super().make_context(info_name, args, parent, **extra)
        context.meta[AS_JSON] = as_json
        return context

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; with `--json` an unknown one is answered as JSON too, exit 2."""
        with _unusable_told(as_json=ctx.meta[AS_JSON]):
            return super().resolve_command(ctx, args)


class UnknownCommand(click.Command):
    """Stands for a noun that there is not, to refuse it in the form that was asked for."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **_extra: Any,
    ) -> click.Context:
        with _unusable_told(as_json="--json" in args):
            raise click.UsageError(f"No such command {info_name!r}.", parent)


@contextmanager
def _unusable_told(*, as_json: bool) -> Iterator[None]:
    """Tell of unusable arguments: as click does, or as JSON; exit 2 both times."""
    try:
        yield
    except click.UsageError as error:
        if not as_json:
            raise
        click.echo(_json_text(_refusal([error.format_message()])))
        raise click.exceptions.Exit(UNUSABLE) from error


def wait_option(function: F) -> F:
    """Add `--no-wait`: only post the job, instead of carrying it out here."""
    return click.option(
        "--wait/--no-wait", default=True, help="Carry out the job here, or only post it."
    )(function)


def file_argument(name: str = "file") -> Callable[[F], F]:
    """An argument that is a readable file; exit 2 when it is not."""
    kind = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
    return click.argument(name, type=kind)


def carry_out(job_id: int, *, wait: bool = True) -> Answer:
    """Carry out a posted job here through the workers' own function, and return its result.

    With `wait=False` a worker does it later, and the answer is the job's id alone. When a worker
    was faster, waits for its result. Raises what the handler raises.
    """
    if not wait:
        return {"job": job_id}
    load_handlers()
    while (running := jobs.claim(job_id)) is None:
        job = db.session.get_one(Job, job_id, populate_existing=True)
        if job.state == "done":
            return job.result or {}
        if job.state == "dead":
            raise RuleError(job.last_error or f"Job {job_id} has failed.")
        db.session.rollback()
        time.sleep(0.2)
    return jobs.carry_out(running) or {}


def carry_out_due(*kinds: str) -> None:
    """Carry out here all due jobs of some kinds; there may be no worker. Failures are logged."""
    load_handlers()
    jobs.run_due(kinds=kinds)


def settle_prices() -> None:
    """Carry out here what was posted to price unbilled time."""
    carry_out_due(*PRICING)


def progress(text: str) -> None:
    """Tell the person at the terminal how far it is; never on standard output."""
    click.echo(text, err=True)


@contextmanager
def database_ready(*, schema: bool = True) -> Iterator[None]:
    """Keep the database of this installation running, and bring its schema up to date."""
    with running_database(current_app.extensions[INSTALLATION]):
        if not event.contains(db.engine, "connect", _lift_time_limit):
            event.listen(db.engine, "connect", _lift_time_limit)
        try:
            if schema and not is_current(db.engine):
                progress("Preparing the database (init) …")
                initialise()
            yield
        finally:
            db.session.remove()
            db.engine.dispose()


def _lift_time_limit(connection: Any, _record: Any) -> None:
    """A command may take as long as it takes; the limit of 30 s is for web requests."""
    connection.execute("SET statement_timeout = 0")
    connection.execute("SET idle_in_transaction_session_timeout = 0")
    connection.commit()


def _refusal(problems: list[str]) -> Answer:
    for problem in problems:
        progress(problem)
    return {"error": " ".join(problems), "problems": problems}


def _json_text(answer: Answer) -> str:
    return json.dumps(answer, default=_plain)


def _plain(value: object) -> object:
    """Amounts as decimal strings, dates as ISO 8601, paths as text."""
    if isinstance(value, Decimal | Path):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"an answer cannot hold {type(value).__name__}")
