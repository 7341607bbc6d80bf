"""Whether a signature that the identity provider's token makes holds, from the system log's entries: level 4 asks this.

Key set and link have to be those in force at the state of the system log that the signature relied on, each under a
checkpoint by then.
"""

from collections.abc import Callable, Iterable
from typing import Final

from sqlalchemy import Connection, Table, select

from ledger.core.clock import parse_utc
from ledger.core.entry import decode_leaf
from ledger.core.errors import SignatureInvalid
from ledger.core.hashing import b64, body_commitment
from ledger.core.kinds import KindRegistry
from ledger.core.oidc_link import Evidence, address_index, verify_with_entries
from ledger.core.oidc_proof import Claims
from ledger.core.signature import ProviderProof, SignatureEntry, Statement
from ledger.people.credentials import view
from ledger.people.oidc_kinds import KeySetEntry
from ledger.people.oidc_tables import key_set
from ledger.people.person_kinds import CredentialEntry, CredentialSort
from ledger.people.tables import credential
from ledger.store.checkpoints import covering
from ledger.store.logs import SYSTEM_LOG
from ledger.store.reading import LogReader
from ledger.store.schema import as_of

_TABLES: Final = {"key-set": key_set, "credential": credential}
_WHAT: Final = {"key-set": "the provider's keys", "credential": "the signer's link"}


def provider_verifier(kinds: KindRegistry) -> Callable[[Connection, SignatureEntry, int], Claims]:
    """What verifies an entered signature of mode `provider`; it raises SignatureInvalid."""

    def verify(connection: Connection, body: SignatureEntry, entered_us: int) -> Claims:
        if not isinstance(body.proof, ProviderProof):
            raise SignatureInvalid("the signature is not one that a provider's token proves")
        said, actor = body.statement, body.authority.actor
        if said.origin != view(connection).origin:
            raise SignatureInvalid(f"the statement is of log {said.origin}, not of this one")
        if actor != said.signer.account:
            raise SignatureInvalid(f"it was entered by {actor!r}, not by {said.signer.account!r}")
        size = body.authority.system_size
        return verify_at(connection, kinds, said, body.proof, entered_us, size or 0)

    return verify


def verify_at(
    connection: Connection,
    kinds: KindRegistry,
    statement: Statement,
    proof: ProviderProof,
    entered_us: int,
    size: int,
) -> Claims:
    """What the token says, if it proves the signature as of that size of the system log; raises SignatureInvalid."""
    origin = view(connection).origin
    keys_index = address_index(proof.keys, origin)
    link_index = address_index(statement.binding or "", origin)
    keys, keys_us = _entry(connection, kinds, keys_index, "key-set")
    link, link_us = _entry(connection, kinds, link_index, "credential")
    keys_body, link_body = kinds["key-set"].decode(keys), kinds["credential"].decode(link)
    assert isinstance(keys_body, KeySetEntry)
    assert isinstance(link_body, CredentialEntry)
    _require_in_force(connection, key_set, keys_body.provider, keys_index, size, "the provider's keys")
    _require_in_force(connection, credential, link_body.credential, link_index, size, "the signer's link")
    confirmed = None
    if link_body.confirms is not None:
        confirmed, _ = _entry(connection, kinds, address_index(link_body.confirms, origin), "credential")
    evidence = Evidence(
        keys=keys, keys_us=keys_us, link=link, link_us=link_us, signature_us=entered_us, confirmed=confirmed
    )
    return verify_with_entries(statement, proof, evidence)


def rests_on(connection: Connection, kinds: KindRegistry, signatures: Iterable[SignatureEntry]) -> set[int]:
    """The entries of the system log that signatures by a provider's token rest on, and all that became of them.

    Key sets of that provider and all that was said of the signers' links; none for signatures of another mode.
    """
    origin, found, followed = view(connection).origin, set[int](), set[tuple[str, str]]()
    addresses = set[tuple[str, str]]()
    for body in signatures:
        if isinstance(body.proof, ProviderProof):
            addresses |= {("key-set", body.proof.keys), ("credential", body.statement.binding or "")}
    for kind, address in sorted(addresses):
        key = _name(connection, kinds, address_index(address, origin), kind)
        if (kind, key) not in followed:
            followed.add((kind, key))
            found |= _said_of(connection, kinds, kind, key)
    return found


def _said_of(connection: Connection, kinds: KindRegistry, kind: str, key: str) -> set[int]:
    """Every entry about a provider's keys, or about a link, from the first on; each is looked at."""
    table = _TABLES[kind]
    row = table.c
    spans = connection.execute(select(row.from_index, row.to_index).where(row.log == SYSTEM_LOG, row.key == key)).all()
    found = {at for span in spans for at in span if at is not None}
    if any(_name(connection, kinds, at, kind) != key for at in found):
        raise SignatureInvalid(f"table {table.name} names an entry that is not about {key}")
    return found


def _name(connection: Connection, kinds: KindRegistry, index: int, kind: str) -> str:
    """What the entry of a key set, or of a link, is about."""
    found = kinds[kind].decode(_entry(connection, kinds, index, kind)[0])
    if isinstance(found, KeySetEntry):
        return found.provider
    if isinstance(found, CredentialEntry) and found.sort is CredentialSort.OIDC:
        return found.credential
    raise SignatureInvalid(f"entry {index} does not hold {_WHAT[kind]}")


def _require_in_force(connection: Connection, table: Table, key: str, index: int, size: int, what: str) -> None:
    row = table.c
    stood = connection.scalar(select(row.from_index).where(row.log == SYSTEM_LOG, row.key == key, as_of(table, size)))
    if stood != index or index >= size:
        raise SignatureInvalid(f"{what} that it names were not in force when it was made")
    checkpoint = covering(connection, SYSTEM_LOG, index)
    if checkpoint is None or checkpoint.size > size:
        raise SignatureInvalid(f"no checkpoint covered {what} when it was made")


def _entry(connection: Connection, kinds: KindRegistry, index: int, kind: str) -> tuple[bytes, int]:
    """The body of an entry of that kind, as its leaf commits to it, and when it was logged."""
    reader = LogReader(connection, SYSTEM_LOG)
    if index >= reader.head().size:
        raise SignatureInvalid(f"entry {index}, where {_WHAT[kind]} should be, is not there")
    stored = reader.entry(index)
    leaf = decode_leaf(stored.leaf)
    if stored.body is None or stored.salt is None or leaf.kind != kind:
        raise SignatureInvalid(f"entry {index} does not hold {_WHAT[kind]}")
    if b64(body_commitment(stored.salt, stored.body)) != leaf.body:
        raise SignatureInvalid(f"entry {index} is not what its leaf commits to")
    return stored.body, parse_utc(leaf.logged_at)
