"""All tables together: to import a file of tables is to add them to the metadata."""

from bot.store import sandbox_tables as sandbox_tables
from bot.store.tables import metadata as metadata
