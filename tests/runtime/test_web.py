"""What a web server process has ready before it is asked."""

import subprocess
import sys

from app.runtime import web

AFTER_WARM_UP = """
import sys
from app.runtime.web import warm_up
from reports import frames, svg
from reports.workload import hours_by_billability

warm_up(str, 0)
before = set(sys.modules)
frame = frames.HOURS.frame([("a", 3600, 0)])
svg.draw(hours_by_billability(frame, {"a": "March"}))
print(sorted(name for name in set(sys.modules) - before if name.startswith(("pandas", "numpy"))))
"""


def test_the_pages_that_are_asked_for_first_are_there_to_be_compiled(app):
    names: list[str] = []
    web.warm_up(names.append, 0)
    assert names
    assert [app.jinja_env.get_template(name).name for name in names] == names


def test_the_first_dashboard_waits_for_no_library():
    answer = subprocess.run(
        [sys.executable, "-c", AFTER_WARM_UP], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "[]\n"
