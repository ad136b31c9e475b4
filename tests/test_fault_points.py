"""A commit, an external call or a chunk boundary without a fault point fails here.

Commits and chunk boundaries have theirs by construction: only `unit_of_work` commits, by a session
whose commit has a point on either side, and a job's chunk ends with a step, which has two of its
own. So what is checked is that this is so, that nobody commits elsewhere, and that each function
which touches the outside has a fault point beside the call.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COMMITTERS = {"app/core/db.py", "app/installation.py", "app/migrations/env.py"}
# migrations, the start of the database and the one-off helpers work on connections of their own
OWN_CONNECTIONS = ("app/runtime/", "app/cli/base.py")
# mail servers, the broker, other hosts
SPEAKS = {"send_message", "sendmail", "uid", "expunge", "enqueue", "publish", "urlopen"}
# what stays on the disk
WRITES = {"fsync", "unlink", "rmtree", "write_bytes", "write_text"}
MOVES = {"rename", "replace"}
PROGRAMS = {"subprocess", "socket"}
WITHOUT = {
    "app/backup.py: _note": "before the database is touched: says which backup is being restored",
    "app/backup.py: _load": "a list for pg_restore in a folder that goes with the command",
    "app/backup.py: _run": "pg_dump and pg_restore, each in one transaction",
    "app/backup.py: _run_list": "asks pg_restore what a dump holds",
    "app/billing/compilation.py: __init__": "lets go of an object of the session",
    "app/cli/imports.py: refused": "writes the file that a command was asked for",
    "app/core/housekeeping.py: remove_unnamed_files": "what is left is removed the next time",
    "app/desk/joining.py: link": "takes a link between tickets away, in the database",
    "app/desk/joining.py: act": "as above",
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for folder in ("app", "jobs", "seeds"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if not name.startswith(OWN_CONNECTIONS):
                yield name, ast.parse(path.read_text(encoding="utf-8"))


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def called(call: ast.Call) -> tuple[str, str]:
    """What a call is made on, where that is a plain name, and its own name."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return getattr(function.value, "id", ""), function.attr
    return "", getattr(function, "id", "")


def is_outside(call: ast.Call) -> bool:
    on, name = called(call)
    if name in MOVES:  # a text's `replace` takes two, a date's and a dataclass's names
        return on == "os" or (len(call.args) == 1 and not call.keywords)
    return name in SPEAKS | WRITES or on in PROGRAMS


def points(tree: ast.AST) -> set[str]:
    """The fault points of a function, with what is not told beforehand as a star."""
    found = set()
    for call in calls(tree):
        if called(call)[1] == "faultpoint":
            (name,) = call.args
            parts = name.values if isinstance(name, ast.JoinedStr) else [name]
            found.add(
                "".join(
                    str(getattr(part, "value", "*")) if isinstance(part, ast.Constant) else "*"
                    for part in parts
                )
            )
    return found


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def uncovered(name: str, tree: ast.AST) -> list[str]:
    """The functions that touch the outside without a fault point."""
    return [
        f"{name}: {function.name}"
        for function in functions(tree)
        if any(map(is_outside, calls(function))) and not points(function)
    ]


def test_only_the_unit_of_work_commits():
    found = [
        name
        for name, tree in modules()
        if name not in COMMITTERS and any(called(each)[1] == "commit" for each in calls(tree))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("file", "function", "expected"),
    [
        ("app/core/db.py", "commit", {"commit.before", "commit.after"}),
        ("app/core/jobs.py", "step", {"job.*.before_commit", "job.*.after_commit"}),
    ],
)
def test_each_commit_and_each_step_of_a_job_has_a_point_on_either_side(file, function, expected):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    [found] = [each for each in functions(tree) if each.name == function]
    assert points(found) == expected


def test_each_call_to_the_outside_has_a_fault_point_beside_it():
    found = [each for name, tree in modules() for each in uncovered(name, tree)]
    assert sorted(found) == sorted(WITHOUT)


@pytest.mark.parametrize(
    "body",
    [
        "smtp.send_message(letter)",
        "box.uid('STORE', number, '+FLAGS', seen)",
        "queue.enqueue(work)",
        "urllib.request.urlopen(address)",
        "os.replace(new, old)",
        "path.rename(other)",
        "Path(name).write_bytes(content)",
        "subprocess.run(command)",
    ],
)
def test_a_call_to_the_outside_is_seen(body):
    assert uncovered("there", ast.parse(f"def act():\n    {body}")) == ["there: act"]
    covered = ast.parse(f"def act():\n    faultpoint('before')\n    {body}")
    assert uncovered("there", covered) == []


@pytest.mark.parametrize("body", ["text.replace('a', 'b')", "replace(row, name='b')"])
def test_what_only_sounds_like_one_is_none(body):
    assert uncovered("there", ast.parse(f"def act():\n    {body}")) == []
