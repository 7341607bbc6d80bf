"""The first start: two named people, a security officer and one of quality, sign the keys of both; once, and by no
other.

Both are there: each shows their own signing secret, the second at the same terminal. What they sign has a fingerprint,
which both compare and sign by hand on a card; every key of the ledger chains to it.
"""

from collections.abc import Iterable
from typing import Final

import msgspec
from sqlalchemy import Connection

from ledger.core.binding import (
    CeremonyEntry,
    CeremonyStatement,
    FoundingKey,
    act_message,
    digest_of,
    short_fingerprint,
)
from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, Conflict, NotAuthenticated, NotFound, NotSignatory
from ledger.core.hashing import unb64
from ledger.core.key_history import KeyHistory, Standing
from ledger.core.signature import KeyProof, Mode
from ledger.people.access import Caller
from ledger.people.credentials import read_grants
from ledger.people.kinds import GrantEntry
from ledger.people.roles import Role
from ledger.present.card import fingerprint_of
from ledger.signing import prepared
from ledger.signing.bindings import Bindings
from ledger.signing.factors import Shown
from ledger.signing.history import read_history, sealed_row
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

_SORT: Final = "ceremony"
QUALITY: Final = (Role.APPROVER, Role.REVIEWER)


class ToFound(msgspec.Struct, frozen=True, kw_only=True):
    """What both founders sign, and its fingerprint as both compare it."""

    id: str
    statement: CeremonyStatement
    fingerprint: str


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What is printed and signed by hand: the founders, their keys, and all 256 bits of what they signed."""

    origin: str
    at: str
    fingerprint: str
    founders: tuple[tuple[str, str, str, str], ...]

    def lines(self, keys: Iterable[tuple[str, str]] = ()) -> list[str]:
        """The card as text, a line at a time. `keys`: each log's origin and verifier key, to be pinned elsewhere."""
        head = [f"Trailseal, first start of {self.origin}", f"at {self.at}", "", "Fingerprint", f"  {self.fingerprint}"]
        people = [
            line
            for name, account, role, key in self.founders
            for line in (
                "",
                f"{name} ({account}), {role}",
                f"  key {key}",
                "  signature: ______________________________",
            )
        ]
        return [*head, *people, *pinned_lines(keys)]


class Ceremony:
    """Safe to use from any number of threads; each founder's key takes Argon2's time."""

    def __init__(self, store: Store, bindings: Bindings) -> None:
        self._store = store
        self._bindings = bindings

    def prepare(self, caller: Caller, officer: str, quality: str) -> ToFound:
        """What the two sign; the caller is one of them. Raises Conflict where there was a first start already, and
        NotSignatory where one does not hold the role, or has made no key yet.
        """
        if caller.account not in (officer, quality) or not caller.person:
            raise AccessDenied("the first start is begun by one of its two people", advice="Sign in as one of them.")
        if officer == quality:
            raise NotSignatory("the first start takes two people")
        with self._store.reading() as connection:
            history = self._open(connection)
            founders = tuple(
                self._founder(connection, history, account, roles)
                for account, roles in ((officer, (Role.SECURITY_OFFICER,)), (quality, QUALITY))
            )
        said = CeremonyStatement(origin=history.origin, founders=founders, at=utc_text(self._store.clock.now_us()))
        ident = prepared.put(self._store, _SORT, caller.account, said)
        return ToFound(id=ident, statement=said, fingerprint=_grouped(digest_of(said)))

    def complete(self, caller: Caller, ident: str, secrets: dict[str, str], network: str | None = None) -> Card:
        """Both sign; from here on their keys count, once a checkpoint covers it. Returns the card.

        `secrets`: the signing secret of each, by account. Raises NotAuthenticated where one is wrong, Conflict where
        there was a first start meanwhile.
        """
        with self._store.reading() as connection:
            account, said = prepared.get(self._store, connection, _SORT, ident, CeremonyStatement)
            if account != caller.account:
                raise AccessDenied("this first start was begun by somebody else")
            history = self._open(connection)
            kept = {
                one.account: sealed_row(self._store, connection, history.at(one.request))[1] for one in said.founders
            }
        message = act_message(said)
        signatures = []
        for one in said.founders:
            if not secrets.get(one.account):
                raise NotAuthenticated(f"the signing secret of {one.account!r} was not shown")
            proof = self._bindings.proof_by(
                history.at(one.request),
                kept[one.account],
                message,
                b"",
                Shown(secret=secrets[one.account]),
                None,
                network,
            )
            assert isinstance(proof, KeyProof)
            signatures.append(proof.signature)
        entry = CeremonyEntry(
            statement=said, signatures=tuple(signatures), fingerprint=digest_of(said), authority=caller.authority
        )

        def check(transaction: Transaction) -> None:
            if transaction.scratch.get("ceremony"):
                raise _again()
            self._open(transaction.connection)
            prepared.use(transaction, ident)
            transaction.scratch["ceremony"] = True

        self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))
        return card_of(entry)

    def card(self) -> Card:
        """The card of the first start; raises NotFound while there was none."""
        with self._store.reading() as connection:
            found = read_history(self._store, connection).ceremony
        if found is None:
            raise NotFound("there was no first start yet", advice="Begin it: trailseal sign ceremony --help")
        return card_of(found)

    def _open(self, connection: Connection) -> KeyHistory:
        history = read_history(self._store, connection)
        if history.ceremony is not None:
            raise _again()
        return history

    def _founder(
        self, connection: Connection, history: KeyHistory, account: str, roles: tuple[Role, ...]
    ) -> FoundingKey:
        now = self._store.clock.now_us()
        held = {grant.role for grant, _ in read_grants(self._store, connection, account) if _runs(grant, now)}
        role = next((one for one in roles if one in held), None)
        if role is None:
            raise NotSignatory(f"{account!r} does not hold the role of {' or '.join(roles)}", advice="Grant it first.")
        waiting: list[Standing] = [
            one
            for one in history.of(account)
            if one.revoked is None and one.bound is None and one.key.mode is Mode.SEALED_KEY
        ]
        if not waiting:
            raise NotSignatory(f"{account!r} has made no signing key yet", advice="Each founder makes their own first.")
        key = waiting[-1]
        return FoundingKey(
            account=account,
            name=key.name,
            role=role.value,
            request=history.address(key),
            key_id=key.key.key_id,
            digest=key.digest,
        )


def pinned_lines(keys: Iterable[tuple[str, str]]) -> list[str]:
    """Each log's verifier key and all of its fingerprint, as they are printed to be pinned elsewhere."""
    lines = [
        line
        for origin, vkey in keys
        for line in (f"Log {origin}", f"  key         {vkey}", f"  fingerprint {fingerprint_of(vkey)}")
    ]
    return ["", "To be pinned elsewhere, outside of this ledger:", *lines] if lines else []


def card_of(entry: CeremonyEntry) -> Card:
    """What stands on the card."""
    said = entry.statement
    return Card(
        origin=said.origin,
        at=said.at,
        fingerprint=_grouped(entry.fingerprint),
        founders=tuple(
            (one.name, one.account, one.role, short_fingerprint(bytes.fromhex(one.key_id))) for one in said.founders
        ),
    )


def _runs(grant: GrantEntry, now_us: int) -> bool:
    begins = grant.from_at is None or parse_utc(grant.from_at) <= now_us
    return begins and (grant.expires_at is None or parse_utc(grant.expires_at) > now_us)


def _grouped(digest: str) -> str:
    text = unb64(digest, 32).hex()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def _again() -> Conflict:
    return Conflict("there was a first start of this ledger", advice="Further keys are vouched for by two people.")
