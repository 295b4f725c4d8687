"""Named checks on the tables of the lake: sql/<table>/checks.sql, run and put on record."""
