"""What looks like a password may be taken out of what was said: `unlock` 'vault' lets it change.

Nothing else of an event changes then, nor of any other table that is only added to.
"""

from alembic import op

revision = "0042_concealed"
down_revision = "0041_too_large"
branch_labels = None
depends_on = None

CONCEALS = """
          if tg_op = 'UPDATE' and tg_table_name = 'event'
             and current_setting('tallydesk.unlock', true) = 'vault'
             and to_jsonb(new) - 'payload' = to_jsonb(old) - 'payload' then return new; end if;"""
REFUSES = """
        create or replace function refuse_change() returns trigger language plpgsql as $$
        begin
          if is_unlocked() then return case tg_op when 'DELETE' then old else new end; end if;
          if tg_op = 'DELETE' and tg_table_name = 'event'
             and current_setting('tallydesk.unlock', true) = 'import' then return old; end if;{more}
          raise exception '% % may not be changed or deleted', tg_table_name, old.id
            using errcode = 'restrict_violation';
        end $$"""


def upgrade() -> None:
    op.execute(REFUSES.format(more=CONCEALS))


def downgrade() -> None:
    op.execute(REFUSES.format(more=""))
