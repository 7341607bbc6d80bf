"""Tables of the trace domain."""

from sqlalchemy import BigInteger, Column, LargeBinary, Text, UniqueConstraint

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position

package_issued = declare(
    "package_issued",
    TableClass.PROJECTION,
    position(),
    Column("package", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    UniqueConstraint("package"),
)
