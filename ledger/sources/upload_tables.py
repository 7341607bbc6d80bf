"""Tables of files that are handed over in parts."""

from sqlalchemy import BigInteger, Column, LargeBinary, PrimaryKeyConstraint, SmallInteger, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare

upload = declare(
    "upload",
    TableClass.OPERATIONAL,
    Column("id", Text, primary_key=True),
    Column("log", SmallInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("touched_us", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("job", BigInteger),
    update=True,
    delete=True,
    why="it says which file is on its way and how far it is: a lie has a file sent again, or refused. What was "
    "imported stands in entries, with the file's name and digest as they were when it began",
)

upload_part = declare(
    "upload_part",
    TableClass.OPERATIONAL,
    Column("upload", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("upload", "at"),
    delete=True,
    why="it holds a file's bytes until it is imported: an import reads all of them, and refuses a file whose digest is "
    "not the one that the import's entry names",
)
