from pathlib import Path

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def embedded(short_dir: Path) -> Shell:
    return Shell(DATA_DIR=str(short_dir / "data"))


@pytest.fixture
def shell(short_dir: Path, database_url: str) -> Shell:
    """A shell over a fresh, initialised database."""
    return Shell(
        DATA_DIR=str(short_dir / "data"), DATABASE_URL=database_url.replace("+psycopg", "")
    )
