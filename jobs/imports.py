"""Imports in the background: apply a batch, undo one."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from app.core.jobs import Running, handler
from app.imports import commands, undo_commands

WAITING = "Another import is writing; this one goes on after it"


def _steps(running: Running) -> Callable[[int, int], AbstractContextManager[Any]]:
    def step(done: int, total: int) -> AbstractContextManager[Any]:
        return running.step(done=done, total=total, note="") if total else running.step()

    return step


def _waiting(running: Running) -> Callable[[], None]:
    def wait() -> None:
        with running.step(note=WAITING):
            pass

    return wait


@handler("imports.apply")
def apply(running: Running) -> dict[str, Any]:
    """Apply the batch of the payload; the answer is the import's."""
    return commands.apply(running.payload["batch"], _steps(running), _waiting(running))


@handler("imports.check")
def check(running: Running) -> dict[str, Any]:
    """Dry-run the batch of the payload; the answer stays with the batch, its counts here."""
    with running.step(note="Reading the file and comparing its rows"):
        answer = commands.check(running.payload["batch"])
    return {name: answer[name] for name in ("batch", *commands.ROW_COUNTS)}


@handler("imports.undo_check")
def undo_check(running: Running) -> dict[str, Any]:
    """Say what an undo of the batch of the payload would do."""
    with running.step(note="Comparing what stands now with what the import left"):
        return undo_commands.undo_dry_run(running.payload["batch"])


@handler("imports.undo")
def undo(running: Running) -> dict[str, Any]:
    """Undo the batch of the payload."""
    return undo_commands.undo(running.payload["batch"], _steps(running), _waiting(running))
