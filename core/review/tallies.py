"""What people say of each answer now, counted once: pages that diagnose read a million ratings as so many answers."""

import duckdb


def keep(conn: duckdb.DuckDBPyConnection, answer_id: str) -> None:
    """Count what is said of the answer, anew if need be; in the transaction that added to it."""
    conn.execute("insert or replace into tallies by name from tally($answer)", {"answer": answer_id})
