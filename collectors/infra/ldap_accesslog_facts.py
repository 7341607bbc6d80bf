"""What a directory says of itself, as far as the account may read it: product, schema, what its access log notes.

Each comes from another place, and most servers let an account read some of them only:

- version: `vendorVersion` of the root entry, else what OpenLDAP's monitor says it is (`cn=Monitor`);
- schema: a fingerprint of the attribute types and object classes that the root entry's `subschemaSubentry` holds;
- audit trail: the settings of the access log that is read, in `cn=config`.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from collectors.facts import facts, fingerprint
from collectors.infra.ldap_accesslog_session import Found, NotThere, Session, TooMany
from ledger.core.errors import FatalSource
from ledger.core.run import SourceFacts

_ANY: Final = "(objectClass=*)"
_ROOT: Final = ("vendorName", "vendorVersion", "subschemaSubentry")
_SCHEMA: Final = ("attributeTypes", "objectClasses")
_LOG: Final = ("olcAccessLogOps", "olcAccessLogOld", "olcAccessLogSuccess")
_FEW: Final = 20


def directory_facts(session: Session, log: str) -> SourceFacts | None:
    """What the server at the session's other end says; `log` is the suffix of its access log."""
    root = _read(session, "", _ROOT)
    named = " ".join(_first(root, name) for name in _ROOT[:2] if _first(root, name))
    schema = _read(session, _first(root, "subschemaSubentry"), _SCHEMA) if _first(root, "subschemaSubentry") else None
    return facts(
        version=named or _first(_read(session, "cn=Monitor", ["monitoredInfo"]), "monitoredInfo"),
        schema=fingerprint(_values(schema, _SCHEMA)) if schema and schema.attributes else None,
        audit_trail=_noted(session, log),
    )


def _noted(session: Session, log: str) -> str:
    """The settings of the overlay that writes this log; empty where the account may not read them."""
    query = f"(&(objectClass=olcAccessLogConfig)(olcAccessLogDB={log}))"
    try:
        found = next(iter(session.search("cn=config", query, _LOG, _FEW, deep=True)), None)
    except (NotThere, TooMany, FatalSource):
        return ""
    words = (f"{name.removeprefix('olcAccessLog').lower()} {' '.join(_values(found, [name])) or '-'}" for name in _LOG)
    return ", ".join(words) if found is not None else ""


def _read(session: Session, base: str, names: Sequence[str]) -> Found | None:
    try:
        found = session.search(base, _ANY, names, 1, only=True)
    except (NotThere, TooMany, FatalSource):
        return None
    return found[0] if found else None


def _first(found: Found | None, name: str) -> str:
    return next(_values(found, [name]), "")


def _values(found: Found | None, names: Sequence[str]) -> Iterator[str]:
    """The values of these attributes, sorted: a server gives them in any order."""
    for name in names:
        values = [] if found is None else found.attributes.get(name, [])
        yield from sorted(value.decode("utf-8", "replace") for value in values)
