"""What Alembic runs. store/migrate.py hands it a connection whose transaction holds the whole migration."""

from alembic import context

from bot.store.all_tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # on SQLite too: a migration that is killed leaves nothing behind
)
with context.begin_transaction():
    context.run_migrations()
