"""How the log knows a record again, put wrong: PostgreSQL's table of keys, SQLite's tokens in the full-text index."""

from ledger.core.tokens import key_token
from ledger.store.position import pos_of
from tests.support.ledgers import RECORDS, SOURCE, Ledger


def forge(ledger: Ledger, record_id: str, digest: bytes, index: int, source: str = SOURCE) -> None:
    """Has a record be known by the entry at `index`; on SQLite whatever its digest."""
    pos = pos_of(RECORDS, index)
    with ledger.administrator() as connection:
        if ledger.is_sqlite:
            token = key_token(source, record_id)
            connection.exec_driver_sql("INSERT INTO record_fts(rowid, tokens) VALUES (?, ?)", (pos, token))
        else:
            values = f"{RECORDS}, '{source}', '{record_id}', '\\x{digest.hex()}', {pos}"
            connection.exec_driver_sql(f"INSERT INTO source_key VALUES ({values})")


Row = tuple[int, str]
_TAKE = "INSERT INTO record_fts(record_fts, rowid, tokens) VALUES ('delete', ?, ?)"
_PUT = "INSERT INTO record_fts(rowid, tokens) VALUES (?, ?)"


def forget(ledger: Ledger, record_id: str, source: str = SOURCE) -> list[Row]:
    """Takes away what a record is known by; on SQLite gives what `remember` wants."""
    with ledger.administrator() as connection:
        if not ledger.is_sqlite:
            where = f"source = '{source}' AND record_id = '{record_id}'"
            connection.exec_driver_sql(f"DELETE FROM source_key WHERE {where}")
            return []
        token = key_token(source, record_id)
        rows = connection.exec_driver_sql("SELECT pos, tokens FROM record WHERE tokens LIKE ?", (f"{token} %",)).all()
        assert rows
        for pos, tokens in rows:
            connection.exec_driver_sql(_TAKE, (pos, tokens))
            connection.exec_driver_sql(_PUT, (pos, tokens.removeprefix(token)))
        return [(pos, tokens) for pos, tokens in rows]


def remember(ledger: Ledger, rows: list[Row]) -> None:
    """SQLite: brings back what `forget` took."""
    with ledger.administrator() as connection:
        for pos, tokens in rows:
            connection.exec_driver_sql(_TAKE, (pos, tokens.partition(" ")[2]))
            connection.exec_driver_sql(_PUT, (pos, tokens))
