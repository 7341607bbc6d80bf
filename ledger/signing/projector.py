"""Projectors of signing."""

from collections.abc import Iterable

from ledger.core.binding import BindingEvent, CeremonyEntry, KeyBindingEntry
from ledger.core.entry import Entry
from ledger.core.errors import LedgerError
from ledger.core.passkey import unb64url
from ledger.core.projector import Projector, Row, Valid
from ledger.core.signature import PasskeyProof, SignatureEntry, members
from ledger.core.workflow import RequestEntry
from ledger.signing import tables as t
from ledger.signing.kinds import SigningListEntry
from ledger.store.position import pos_of

_COUNTER = slice(33, 37)


class KeyBindingProjector:
    """What last happened to each signing key; the first start binds its founders' keys."""

    name = "key-binding"
    version = 1
    kinds = frozenset({"key-binding", "ceremony"})
    table = t.key_binding.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: KeyBindingEntry | CeremonyEntry = entry.body
        if isinstance(body, CeremonyEntry):
            for one in body.statement.founders:
                yield Valid(one.key_id, (one.account, BindingEvent.BOUND.value))
            return
        event = BindingEvent.BOUND if body.event is BindingEvent.RESEALED else body.event
        yield Valid(body.binding, None if event is BindingEvent.REVOKED else (body.account, event.value))


class SignatureProjector:
    """Signatures, and the entries that each lists."""

    name = "signature"
    version = 1
    kinds = frozenset({"signature"})
    tables = (t.signature.name, t.signed_entry.name)

    def rows(self, entry: Entry) -> Iterable[Row]:
        body: SignatureEntry = entry.body
        said, pos = body.statement, pos_of(entry.log, entry.index)
        yield (
            t.signature.name,
            (
                pos,
                said.signer.account,
                said.binding or "",
                said.mode.value,
                said.continuity.value,
                body.session or "",
                body.network or "",
                said.nonce,
                said.meaning.code,
                said.target.root,
                counter_of(body),
            ),
        )
        for index in said.target.entries:
            yield t.signed_entry.name, (pos, said.target.origin, index)


class SetProjector:
    """The entries of each set that a signature or a request is about, where it is too large to be listed."""

    name = "signed-set"
    version = 1
    kinds = frozenset({"signature", "signing-request"})
    tables = (t.set_run.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        body: SignatureEntry | RequestEntry = entry.body
        signed = isinstance(body, SignatureEntry)
        target = body.statement.target if isinstance(body, SignatureEntry) else body.target
        if target.runs is None:
            return
        pos, sort = pos_of(entry.log, entry.index), t.SIGNATURE if signed else t.REQUEST
        for low, high in members(target).runs():
            for begin in range(low - low % t.STRETCH, high + 1, t.STRETCH):
                first, last = max(low, begin), min(high, begin + t.STRETCH - 1)
                yield t.set_run.name, (pos, first, last, target.origin, sort)


class SigningListProjector:
    """The lists of meanings and reasons."""

    name = "signing-list"
    version = 1
    kinds = frozenset({"signing-list"})
    table = t.signing_list.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: SigningListEntry = entry.body
        yield Valid(body.action, (len(body.meanings),))


def counter_of(body: SignatureEntry) -> int:
    """The passkey's counter in a signature; 0 where there is none, or none that can be read."""
    if not isinstance(body.proof, PasskeyProof):
        return 0
    try:
        return int.from_bytes(unb64url(body.proof.authenticator_data)[_COUNTER], "big")
    except LedgerError:
        return 0


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this domain."""
    return KeyBindingProjector(), SignatureProjector(), SetProjector(), SigningListProjector()
