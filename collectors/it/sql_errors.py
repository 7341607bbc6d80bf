"""Tells a database's errors apart: whether trying again helps, a person is needed, or an account was refused."""

from collectors.text import clean
from ledger.core.errors import CollectorError, FatalSource, RetriableSource

_REFUSED = frozenset(
    {"28000", "28P01", "1044", "1045", "1698", "18456", "ORA-01017", "ORA-28000", "ORA-28001", "ORA-01045"}
)
"""The account or its password is not accepted. PostgreSQL, MySQL and MariaDB, SQL Server, Oracle."""
_FORBIDDEN = frozenset({"42501", "1142", "1143", "1227", "229", "230", "ORA-01031", "ORA-00942", "SQLITE_AUTH"})
"""The account lacks a right; Oracle says of a table that may not be read that it does not exist."""
_WRONG = frozenset(
    {"1049", "1054", "1064", "1146", "1792", "25006", "207", "208", "4060", "42S02", "42S22"}
    | {"ORA-00904", "ORA-00933", "ORA-12514", "SQLITE_ERROR", "SQLITE_NOTADB", "SQLITE_CORRUPT"}
)
"""There is no such database, table or column, or the query cannot be read."""
_WRONG_CLASSES = ("22", "3D", "3F", "42", "54", "55", "0A")
"""Classes of SQLSTATE that a person has to correct (PostgreSQL)."""
_BUSY = frozenset({"55006", "55P03"})
"""Somebody else holds it at the moment (PostgreSQL)."""
_SLOW = frozenset({"57014", "1969", "3024", "SQLITE_INTERRUPT", "DPY-4024"})
"""The statement was ended as it took too long."""
_REFUSALS = (
    "password authentication failed",
    "no pg_hba.conf entry",
    "is not permitted to log in",
    "authentication failed",
    "no password supplied",
    "permission denied for database",
)
"""PostgreSQL's words when it refuses a connection: its client library gives no code for them."""
_UNKNOWN = ("does not exist",)


def explain(error: Exception, place: str, account: str) -> CollectorError:
    """The error of a driver as one of ours; it names place and account and repeats the driver's first line."""
    said = _words(error)
    code = _code(error)
    whose = f"account {account!r}" if account else "an account without name"
    if code in _REFUSED or (not code and any(words in said for words in _REFUSALS)):
        return FatalSource(
            f"the database at {place} refuses {whose}: {said}", advice="Check the account, its password and its rights."
        )
    if code in _FORBIDDEN:
        return FatalSource(
            f"the database at {place} does not let {whose} read: {said}",
            advice="Grant the account SELECT on the table or view, and nothing else.",
        )
    if code in _SLOW:
        return RetriableSource(
            f"the database at {place} took too long: {said}",
            advice="Put an index on the order columns, or name a query that reads less.",
        )
    if code in _BUSY:
        return RetriableSource(f"the database at {place} is used by somebody else just now: {said}")
    if code in _WRONG or code[:2] in _WRONG_CLASSES or (not code and any(words in said for words in _UNKNOWN)):
        return FatalSource(
            f"the database at {place} cannot do what is asked: {said}",
            advice="Correct the source's url, table, query or order, then run `trailseal source test`.",
        )
    return RetriableSource(f"the database at {place} did not answer: {said}")


def _code(error: Exception) -> str:
    for name in ("sqlstate", "sqlite_errorname"):
        if found := getattr(error, name, None):
            return str(found)
    first = error.args[0] if error.args else ""
    if code := getattr(first, "full_code", ""):  # Oracle's
        return str(code)
    return str(first) if isinstance(first, int) or (isinstance(first, str) and len(first) == 5) else ""


def _words(error: Exception) -> str:
    """What the driver says, without the statement and its parameters that some add below it."""
    parts = [str(part) for part in error.args if not isinstance(part, int)] or [error.__class__.__name__]
    lines = " ".join(parts).strip().splitlines()
    return clean(lines[0] if lines else error.__class__.__name__)[:500]
