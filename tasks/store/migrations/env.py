"""Run revisions on the connection that ``database.migrate`` hands over."""

from alembic import context

from schemas.tables.columns import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
