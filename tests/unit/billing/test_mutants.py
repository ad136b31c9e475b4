"""Every whole number in the engine's arithmetic is one more: a worked example must turn red.

One process writes the mutants one after the other into a copy of the package and forks a child that
computes the examples of `test_cases` with each.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import app
from tests.unit.billing.test_cases import HALVES, KNOWN

MODULES = (
    "billing/engine/ageing.py",
    "billing/engine/amounts.py",
    "billing/engine/compile.py",
    "billing/engine/duration.py",
    "billing/engine/proration.py",
    "billing/engine/tax.py",
    "core/money.py",
)
# Of a module that does more than compute, what computes; of the others everything does.
FUNCTIONS = {"billing/engine/compile.py": ("discounts", "_discount")}
# What a mutant reads like -> why no example can tell it from ours.
EQUIVALENT = {
    'if step <= 1 or rounding == "exact":': "whole seconds are multiples of one",
    "begin_step: int = 1,": "as above",
    "end_step: int = 1,": "as above",
    "step: int = 1,": "as above",
    "if step_minor <= 1:": "minor units are multiples of one",
    "if denominator < 1:": "no denominator is zero",
    "if numerator < 1:": "zero is its own opposite",
    "if whole < 1:": "weights that sum to zero went another way",
    "return share(total, [2] * len(weights))": "equal weights share equally, whatever they are",
    'sign, digits = ("-" if units < 0 else ""), str(abs(units)).rjust(places + 2, "0")': (
        "figures are compared as numbers; `test_money` reads the text"
    ),
    'sign, digits = ("-" if units < 1 else ""), str(abs(units)).rjust(places + 1, "0")': "as above",
    "return 1": "a case knows no extra lines but discounts; `test_compile` has others",
    "return max(begun)[3].tax": "the tax of a day is no example; `test_tax` looks it up",
}

PROGRAM = """
import json, os, sys
from pathlib import Path
import flask, msgspec, sqlalchemy  # what takes long to import, once for all children

mutants = json.loads(Path("mutants.json").read_text())
for place, source, _ in [["", "", ""], *mutants]:
    was = Path(place).read_text() if place else ""
    if place:
        Path(place).write_text(source)
    child = os.fork()
    if not child:
        try:
            from app.billing.cases import check_file
            verdict = check_file(Path("cases.json").read_bytes())
            os._exit(min(100, len(verdict.failed) + len(verdict.unsupported)))
        except BaseException:
            os._exit(101)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    if place:
        Path(place).write_text(was)
"""


def _mutants(place: str) -> Iterator[tuple[str, str, str]]:
    """(file, its source with one number raised, the line as it then reads)."""
    source = (Path(app.__file__).parent / place).read_text()
    lines = source.splitlines(keepends=True)
    whole = ast.parse(source)
    named = FUNCTIONS.get(place)
    parts = (
        [each for each in whole.body if getattr(each, "name", "") in named] if named else [whole]
    )
    for node in (node for part in parts for node in ast.walk(part)):
        if isinstance(node, ast.Constant) and type(node.value) is int:
            line = lines[node.lineno - 1]
            changed = f"{line[: node.col_offset]}{node.value + 1}{line[node.end_col_offset :]}"
            mutant = "".join([*lines[: node.lineno - 1], changed, *lines[node.lineno :]])
            yield f"app/{place}", mutant, changed.strip()


def test_no_number_of_the_engine_can_be_another(short_dir: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "static", "templates", "translations")
    shutil.copytree(Path(app.__file__).parent, short_dir / "app", ignore=ignored)
    (short_dir / "cases.json").write_text(json.dumps({"cases": [*KNOWN, HALVES]}))
    mutants = [each for place in MODULES for each in _mutants(place)]
    (short_dir / "mutants.json").write_text(json.dumps(mutants))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=short_dir,
        env=os.environ | {"PYTHONPATH": str(short_dir), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    unchanged, *failures = map(int, done.stdout.split())
    assert unchanged == 0
    assert len(failures) == len(mutants) > 40
    alive = [line for (_, _, line), count in zip(mutants, failures, strict=True) if not count]
    assert sorted(alive) == sorted(EQUIVALENT), "\n".join(sorted(alive))
