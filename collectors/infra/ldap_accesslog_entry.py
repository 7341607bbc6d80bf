"""An entry of OpenLDAP's access log: how it is kept as an original, without secrets, and what a mapping sees of it.

An original is a JSON object: `dn`, and `attributes`, name → values, each as text where it is UTF-8, else as
`{"base64": …}`. LDAP gives values, no bytes of an entry, so none are lost. The values of secret attributes (passwords)
are never kept: `(withheld)` stands in their place.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from collectors.mapping.expression import Item
from ledger.core.errors import SkippableRecord

T = TypeVar("T")
MEDIA_TYPE: Final = "application/json"
WITHHELD: Final = b"(withheld)"
SECRETS: Final = (
    "userPassword", "authPassword", "pwdHistory", "sambaNTPassword", "sambaLMPassword", "krbPrincipalKey",
    "unicodePwd", "oathSecret",
)  # fmt: skip
OPERATIONAL: Final = (
    "entryCSN", "contextCSN", "entryUUID", "structuralObjectClass", "creatorsName", "createTimestamp",
    "modifiersName", "modifyTimestamp",
)  # fmt: skip
_PASSWORD_MODIFY: Final = b"1.3.6.1.4.1.4203.1.11.1"


class Bytes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value that is not UTF-8."""

    base64: str


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See the module."""

    dn: str
    attributes: dict[str, list[str | Bytes]]


def write_entry(dn: str, attributes: Mapping[str, list[bytes]], secret: frozenset[str]) -> bytes:
    """The original of an entry; `secret` are names of attributes in lower case."""
    kept = {
        name: [_pack(_without_secret(name, value, secret, attributes)) for value in attributes[name]]
        for name in sorted(attributes)
    }
    return msgspec.json.encode(Entry(dn=dn, attributes=kept))


def read_entry(data: bytes) -> Entry:
    """Raises SkippableRecord for what is no original of this type."""
    try:
        return msgspec.json.decode(data, type=Entry)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SkippableRecord(f"not the original of an access log entry: {error}") from None


def entry_item(entry: Entry, without: frozenset[str]) -> Item:
    """What a mapping sees: `dn`, `event`, `time`, `account`, `target`, `result`, `changes` and `attributes`.

    `event` is reqType, `bind-failed` for a refused bind, and the OID of an extended operation. `time` is reqStart to
    the second: its fraction is not one, it keeps requests of a second apart. `account` is who asked; for a bind, who
    asked to be let in. `changes` leaves attributes of `without` (in lower case) out.
    """
    values = {name: [_text(value) for value in found] for name, found in entry.attributes.items()}
    start, kind = _first(values, "reqStart"), _first(values, "reqType")
    if start is None or kind is None:
        raise SkippableRecord("an entry without reqStart or reqType")
    result = _first(values, "reqResult")
    bind = kind.lower() == "bind"
    failed = bind and result not in {None, "0"}
    return {
        "dn": entry.dn,
        "event": "bind-failed" if failed else kind.lower(),
        "start": start,
        "time": _iso(start),
        "account": _first(values, "reqDN" if bind else "reqAuthzID") or None,
        "session": _first(values, "reqSession"),
        "target": _first(values, "reqDN"),
        "result": result,
        "message": _first(values, "reqMessage"),
        "method": _first(values, "reqMethod"),
        "changes": _changes(kind.lower(), values, without),
        "attributes": {name: found[0] if len(found) == 1 else found for name, found in values.items()},
    }


def _changes(kind: str, values: Mapping[str, list[str]], without: frozenset[str]) -> list[dict[str, object]]:
    """Attribute by attribute: `old` and `new` where the log says them, null where it says that there is none.

    Values that were added or removed, of an attribute whose other values are not known, are `NAME +` and `NAME -`.
    """
    if kind == "modrdn":
        return _renaming(values)
    old: dict[str, list[str]] = {}
    for line in values.get("reqOld", ()):
        name, _, value = line.partition(":")
        old.setdefault(name, []).append(value.removeprefix(" "))
    if kind == "delete":
        return [{"attribute": name, "old": _one(found), "new": None} for name, found in _shown(old, without)]
    operations: dict[str, list[tuple[str, str | None]]] = {}
    for line in values.get("reqMod", ()):
        name, _, rest = line.partition(":")
        operations.setdefault(name, []).append((rest[:1], rest[2:] if len(rest) > 1 else None))
    found: list[dict[str, object]] = []
    for name, steps in _shown(operations, without):
        found += _modified(name, steps, old.get(name), created=kind == "add", logged="reqOld" in values)
    return found


def _modified(
    name: str, steps: list[tuple[str, str | None]], old: list[str] | None, *, created: bool, logged: bool
) -> list[dict[str, object]]:
    replaced = [step for step in steps if step[0] == "="]
    if created or replaced or logged:
        known = [] if created else list(old or ())
        for sign, value in steps:
            if sign == "=" and (sign, value) == replaced[0]:
                known = []
            if sign in "=+" and value is not None:
                known.append(value)
            elif sign == "-":
                known = [one for one in known if value is not None and one != value]
            elif sign == "#":
                known = [_increased(one, value) for one in known]
        change: dict[str, object] = {"attribute": name, "new": _one(known)}
        if created or logged:
            change["old"] = None if created else _one(list(old or ()))
        return [change]
    added: list[dict[str, object]] = [
        {"attribute": f"{name} +", "new": value} for sign, value in steps if sign in "+#" and value is not None
    ]
    removed: list[dict[str, object]] = [
        {"attribute": f"{name} -", "old": value} for sign, value in steps if sign == "-" and value is not None
    ]
    return [*added, *removed]


def _renaming(values: Mapping[str, list[str]]) -> list[dict[str, object]]:
    new = _first(values, "reqNewDN") or _first(values, "reqNewRDN")
    return [{"attribute": "dn", "old": _first(values, "reqDN"), "new": new}]


def _shown(found: Mapping[str, T], without: frozenset[str]) -> list[tuple[str, T]]:
    return [(name, those) for name, those in found.items() if name.lower().partition(";")[0] not in without]


def _increased(value: str, by: str | None) -> str:
    try:
        return str(int(value) + int(by or "0"))
    except ValueError:
        return value


def _one(values: list[str]) -> object:
    """A value; null for none; a list for several."""
    return values[0] if len(values) == 1 else values or None


def _first(values: Mapping[str, list[str]], name: str) -> str | None:
    return next(iter(values.get(name, ())), None)


def _iso(start: str) -> str:
    """`20261125064708.000002Z` as `2026-11-25T06:47:08Z`; other texts as they are."""
    digits = start[:14]
    if not (digits.isascii() and digits.isdecimal() and len(digits) == 14 and start.endswith("Z")):
        return start
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}T{digits[8:10]}:{digits[10:12]}:{digits[12:]}Z"


def _text(value: str | Bytes) -> str:
    if isinstance(value, str):
        return value
    try:
        return b64decode(value.base64, validate=True).decode("utf-8", "replace")
    except ValueError as error:
        raise SkippableRecord(f"a value is not base64: {error}") from None


def _pack(value: bytes) -> str | Bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return Bytes(b64encode(value).decode())


def _without_secret(name: str, value: bytes, secret: frozenset[str], attributes: Mapping[str, list[bytes]]) -> bytes:
    """The value, or what stands in the place of a secret in it."""
    if name == "reqMod" or name == "reqOld":
        attribute, colon, rest = value.partition(b":")
        if attribute.decode("ascii", "replace").lower().partition(";")[0] in secret and len(rest) > 1:
            return attribute + colon + (rest[:2] if name == "reqMod" else b" ") + WITHHELD
    if name == "reqAssertion" and value.partition(b"=")[0].decode("ascii", "replace").lower() in secret:
        return value.partition(b"=")[0] + b"=" + WITHHELD
    if name == "reqData" and any(_PASSWORD_MODIFY in kind for kind in attributes.get("reqType", ())):
        return WITHHELD
    return value
