"""Alembic's environment: the connection comes from ``Database``, there is no alembic.ini."""

from alembic import context

from smsc.db.model import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
