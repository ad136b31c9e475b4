"""The billing life cycle under hypothesis: 200 examples of 50 steps in CI, a few elsewhere."""

import os

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from app.core.db import db
from jobs import load_handlers
from tests.conftest import SEED
from tests.statemachine.books import Books

IN_CI = os.environ.get("CI") == "true"
SHARES = 4  # so that parallel workers share the examples
EXAMPLES = (200 if IN_CI else 12) // SHARES


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("share", range(SHARES))
def test_the_books_are_true_after_every_step(application, fresh_database, share):
    load_handlers()

    class Here(Books):
        def begin(self) -> None:
            db.session.remove()
            fresh_database()

    with application.app_context():
        run_state_machine_as_test(
            seed(SEED + share)(Here),
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=50,
                deadline=None,
                database=None,
                phases=(Phase.generate, Phase.shrink),
                suppress_health_check=list(HealthCheck),
            ),
        )
        db.session.remove()
        db.engine.dispose()
