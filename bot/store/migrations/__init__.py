"""How the tables came to be. Each step runs unchanged on SQLite and PostgreSQL, and none is edited once released."""
