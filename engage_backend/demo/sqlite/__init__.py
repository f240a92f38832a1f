"""The database of the standalone site: Django's SQLite, as several processes that write need it."""
