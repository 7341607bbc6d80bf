"""Entries of signing in the ledger that is attacked: every table of theirs has rows, open and closed ones."""

import msgspec

from ledger.core.binding import (
    BindingEvent,
    BindingStatement,
    BoundKey,
    KeyBindingEntry,
    act_message,
    key_id_of,
)
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.hashing import b64
from ledger.core.members import Members
from ledger.core.note import ed25519_public_key, ed25519_sign
from ledger.core.signature import (
    Continuity,
    KeyProof,
    Mode,
    Seen,
    SignatureEntry,
    Signer,
    Statement,
    Target,
    TargetSort,
    Words,
    signed_message,
    target_root,
)
from ledger.people.roles import Role
from ledger.signing.kinds import ListedReason, Meaning, SigningListEntry, Worded
from ledger.store.logs import SYSTEM_LOG
from tests.support.ledgers import AUTHORITY, ORIGIN, START_US, Ledger

SYSTEM = f"{ORIGIN}/system"


def signed(ledger: Ledger, number: int) -> None:
    """A key of this round with its signature, and a list that replaces the one before.

    Keys of even rounds end; those of the others are vouched for.
    """
    seed = bytes([number + 1]) * 32
    public = ed25519_public_key(seed)
    key = BoundKey(mode=Mode.SEALED_KEY, key_id=key_id_of(public), public_key=b64(public))
    account, at = f"reviewer{number}", utc_text(START_US + number)
    said = BindingStatement(
        origin=SYSTEM, account=account, name=f"Person {number}", key=key, identity=f"{SYSTEM}#1", at=at
    )
    requested = KeyBindingEntry(
        binding=key.key_id,
        event=BindingEvent.REQUESTED,
        account=account,
        reason="first key",
        authority=AUTHORITY,
        statement=said,
        proof=KeyProof(key_id=key.key_id, signature=b64(ed25519_sign(seed, act_message(said)))),
    )
    at_index = ledger.store.append_one(SYSTEM_LOG, draft(requested)).index
    one = _signature(number, seed, key, f"{SYSTEM}#{at_index}")
    bodies: list[msgspec.Struct] = [one, _over_set(number, seed, one), _list(number)]
    then = BindingEvent.ATTESTED if number % 2 else BindingEvent.REVOKED
    bodies.append(msgspec.structs.replace(requested, event=then, reason="what came then", statement=None, proof=None))
    for body in bodies:
        ledger.store.append_one(SYSTEM_LOG, draft(body))


def _signature(number: int, seed: bytes, key: BoundKey, binding: str) -> SignatureEntry:
    leaves = [bytes([number + one]) * 32 for one in range(2)]
    words = Words(code=f"meaning-{number}", text="I reviewed this.", language="en", version="built-in/1")
    said = Statement(
        origin=SYSTEM,
        target=Target(
            sort=TargetSort.ENTRIES,
            id=f"entries of round {number}",
            version="1",
            origin=(f"{ORIGIN}/records", SYSTEM)[number % 2],
            count=2,
            root=target_root(leaves),
            entries=(number + 1, number + 3),
            leaves=tuple(map(b64, leaves)),
        ),
        seen=Seen(origin=f"{ORIGIN}/records", size=20, root=b64(bytes(32))),
        meaning=words,
        reason=words,
        signer=Signer(account=f"reviewer{number}", name=f"Person {number}", role="reviewer"),
        signed_at=utc_text(START_US + number),
        zone="UTC",
        nonce=b64(bytes([number]) * 32),
        mode=Mode.SEALED_KEY,
        continuity=(Continuity.FIRST, Continuity.LATER)[number % 2],
        components=("signing-secret",),
        class_text="Electronic signature",
        binding=binding,
    )
    return SignatureEntry(
        statement=said,
        proof=KeyProof(key_id=key.key_id, signature=b64(ed25519_sign(seed, signed_message(said)))),
        authority=AUTHORITY,
        session=f"session-{number}",
        network=f"192.0.2.{number}",
    )


def _over_set(number: int, seed: bytes, one: SignatureEntry) -> SignatureEntry:
    """The signature once more, over a set that it does not list."""
    chosen = Members.of([number + 2, number + 3, number + 8])
    root = target_root([bytes([number + 9]) * 32] * len(chosen))
    before = one.statement.target
    target = msgspec.structs.replace(before, entries=(), leaves=(), runs=chosen.text, count=len(chosen), root=root)
    said = msgspec.structs.replace(one.statement, target=target, nonce=b64(bytes([number + 100]) * 32))
    proof = KeyProof(key_id=seed.hex(), signature=b64(ed25519_sign(seed, signed_message(said))))
    return msgspec.structs.replace(one, statement=said, proof=proof)


def _list(number: int) -> SigningListEntry:
    one = Meaning(code="approved", texts=(Worded(language="en", text="I approve this."),), roles=(Role.APPROVER,))
    why = ListedReason(code="routine", texts=(Worded(language="en", text="Routine."),))
    return SigningListEntry(
        action=("record", "review")[number % 2],
        meanings=(one,) * (number + 1),
        reasons=(why,),
        reason="as agreed",
        authority=AUTHORITY,
    )
