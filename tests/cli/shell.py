"""`flask --app run …` as a person types it."""

import json
import os
import sys

from tests.processes import Finished, Started


class Shell:
    """`flask --app run …` in processes of its own, over one data directory or database."""

    def __init__(self, **environ: str) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self._environ = kept | environ
        self.database_url = environ.get("DATABASE_URL", "")

    def start(self, *words: str, stdin: str = "") -> Started:
        return Started(_flask, *words, environ=self._environ, stdin=stdin)

    def run(self, *words: str, stdin: str = "") -> Finished:
        return self.start(*words, stdin=stdin).finish()

    def answer(self, *words: str, code: int = 0, stdin: str = "") -> dict:
        result = self.run(*words, "--json", stdin=stdin)
        assert result.returncode == code, result.stderr
        assert len(result.stdout.splitlines()) == 1, result.stdout
        return json.loads(result.stdout)


def _flask(*words: str) -> None:
    from flask.cli import main

    sys.argv = ["flask", "--app", "run", *words]
    main()
