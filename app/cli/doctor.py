"""`flask doctor`: what an administrator should know."""

from dataclasses import asdict

import click
from flask import current_app

from app.cli.base import INSTALLATION, Answer, DeskCommand, FaultFoundError
from app.doctor import PROBLEM, examine


@click.command("doctor", cls=DeskCommand)
def COMMAND() -> Answer:  # noqa: N802
    """List weak settings, damage and what is stuck; exit 1 when something needs mending."""
    findings = examine(current_app.extensions[INSTALLATION])
    healthy = all(finding.level != PROBLEM for finding in findings)
    answer = {"ok": healthy, "findings": [asdict(finding) for finding in findings]}
    if not healthy:
        raise FaultFoundError(answer)
    return answer
