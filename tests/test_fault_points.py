"""A commit, an external call or a chunk boundary without a fault point fails here.

Commits and chunk boundaries have theirs by construction: only `unit_of_work` commits, and a job's
step is one. So what is checked is that nobody commits elsewhere, and that each function which
touches the outside has a fault point beside the call.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMITTERS = {"app/core/db.py", "app/installation.py", "app/migrations/env.py"}
# migrations, the start of the database and the one-off helpers work on connections of their own
OWN_CONNECTIONS = ("app/runtime/", "app/cli/base.py")
OUTSIDE_CALLS = {"send_message", "sendmail", "enqueue", "fsync"}


def modules(words: set[str]) -> Iterator[tuple[str, ast.Module]]:
    """The files in which one of these words stands; to parse all of them takes two seconds."""
    for folder in ("app", "jobs", "seeds"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if any(word in text for word in words):
                yield str(path.relative_to(ROOT)), ast.parse(text)


def calls(tree: ast.AST) -> list[str]:
    return [
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    ]


def test_only_the_unit_of_work_commits():
    found = [
        name
        for name, tree in modules({"commit"})
        if "commit" in calls(tree)
        and name not in COMMITTERS
        and not name.startswith(OWN_CONNECTIONS)
    ]
    assert found == []


def test_each_call_to_the_outside_has_a_fault_point_beside_it():
    found = [
        f"{name}: {function.name}"
        for name, tree in modules(OUTSIDE_CALLS)
        if not name.startswith(OWN_CONNECTIONS)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        and OUTSIDE_CALLS & set(calls(function))
        and "faultpoint" not in calls(function)
    ]
    assert found == []
