"""Alembic runs inside `init`, on the connection that holds the advisory lock."""

from alembic import context

from app.automation import models as automation_models  # noqa: F401
from app.billing import models as billing_models  # noqa: F401
from app.communications import models as communication_models  # noqa: F401
from app.core import models as core_models  # noqa: F401
from app.core.db import Model
from app.imports import models as import_models  # noqa: F401
from app.staff import models as staff_models  # noqa: F401
from app.vault import models as vault_models  # noqa: F401

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Model.metadata,
    transaction_per_migration=False,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
