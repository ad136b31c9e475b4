"""`flask --app run …` as a person types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Shell:
    """`flask --app run …` in processes of its own, over one data directory or database."""

    def __init__(self, **environ: str) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self._environ = kept | environ
        self.database_url = environ.get("DATABASE_URL", "")

    def run(self, *words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "run", *words],
            cwd=ROOT,
            env=self._environ,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def answer(self, *words: str, code: int = 0, stdin: str = "") -> dict:
        result = self.run(*words, "--json", stdin=stdin)
        assert result.returncode == code, result.stderr
        assert len(result.stdout.splitlines()) == 1, result.stdout
        return json.loads(result.stdout)
