"""Attacks on signatures: what is replayed, pasted, altered, backdated, forged or signed by somebody else is found.

Whoever makes these entries holds the database and may append what they like; level 4 decides from the entries alone.
"""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

import msgspec
import pyotp
import pytest
from sqlalchemy import create_engine, delete, insert, select, text

from ledger.core import canonical
from ledger.core.authority import Authority
from ledger.core.binding import (
    Attestation,
    BindingEvent,
    BindingStatement,
    BoundKey,
    KeyBindingEntry,
    act_message,
    digest_of,
    key_id_of,
)
from ledger.core.clock import utc_text
from ledger.core.entry import Entry, draft
from ledger.core.errors import Conflict, IntegrityError, LedgerError, NotAuthenticated, NotSignatory
from ledger.core.hashing import b64
from ledger.core.note import ed25519_public_key, ed25519_sign
from ledger.core.signature import (
    Continuity,
    KeyProof,
    Mode,
    SignatureEntry,
    Statement,
    signed_message,
    statement_bytes,
    target_root,
)
from ledger.core.signature import Signer as Signer_
from ledger.integrity.entries import read_entries
from ledger.integrity.level4 import SignatureCheck
from ledger.people.enrolment import Set
from ledger.people.roles import Role
from ledger.signing.factors import Shown
from ledger.signing.history import sealed_row
from ledger.signing.judging import Kept
from ledger.signing.person_keys import LEAST_SECRET
from ledger.signing.tables import prepared
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import pos_of
from ledger.store.reading import LogReader
from tests.support.ledgers import _disarm
from tests.support.signers import HERE, Plant, Signer
from tests.unit.signing.conftest import Site

pytestmark = pytest.mark.sampled


def judge(plant: Plant, body: msgspec.Struct, kind: str = "signature", later_us: int = 0) -> str:
    """What level 4 says of an entry that stood at the end of the log; empty where it holds."""
    store = plant.service.store
    logs = {log.origin: log for log in store.logs()}
    with store.reading() as connection:
        size = LogReader(connection, SYSTEM_LOG).head().size
        check = SignatureCheck(connection, logs, plant.service.system.origin, {})
        for entry in read_entries(connection, SYSTEM_LOG, 0, size, store.kinds):
            check.enter(entry)
        at = plant.clock.now_us() + later_us
        try:
            check.enter(Entry(log=SYSTEM_LOG, index=size, kind=kind, logged_us=at, body=body))
        except LedgerError as error:
            return error.message
    return check.unseen[0][1] if check.unseen else ""


def seed_of(site: Site, signer: Signer, message: bytes) -> str:
    """A signature by the signer's own key over whatever: what an attacker would need the secret for."""
    keys = site.plant.signing.signatures._keys
    with site.plant.service.store.reading() as connection:
        standing = next(one for one in site.plant.history().of(signer.account) if one.bound and not one.revoked)
        kept = sealed_row(site.plant.service.store, connection, standing)[1]
    return b64(keys.sign(signer.account, standing.key, kept, signer.secret, message).signature)


def signed_again(site: Site, entry: SignatureEntry, **changes: Any) -> SignatureEntry:
    """The signature with another statement, signed anew by its own signer."""
    said: Statement = msgspec.structs.replace(entry.statement, **changes)
    proof = msgspec.structs.replace(entry.proof, signature=seed_of(site, site.reviewer, signed_message(said)))
    return msgspec.structs.replace(entry, statement=said, proof=proof)


@pytest.fixture
def signature(site: Site) -> SignatureEntry:
    """A signature that holds, made a moment ago."""
    return site.reviewer.sign(*site.fresh(2), meaning="reviewed").entry


def test_control_the_same_statement_with_a_nonce_of_its_own_signed_by_its_signer_holds(
    site: Site, signature: SignatureEntry
) -> None:
    assert judge(site.plant, signed_again(site, signature, nonce=b64(b"\x07" * 32))) == ""


def test_a_replayed_signature_is_named(site: Site, signature: SignatureEntry) -> None:
    assert "replay" in judge(site.plant, signature)


@pytest.mark.requirement("R18")
def test_a_signature_pasted_to_another_record_does_not_verify(site: Site, signature: SignatureEntry) -> None:
    entries = site.fresh(2)
    put = site.reviewer.prepare(*entries, meaning="reviewed")
    pasted = msgspec.structs.replace(
        signature,
        statement=msgspec.structs.replace(signature.statement, target=put.statement.target, nonce=put.statement.nonce),
    )
    assert "did not sign this" in judge(site.plant, pasted)


WORDS = {
    "meaning": {"code": "approved", "text": "I approve these records."},
    "reason": {"added": "and all that follows"},
    "signer": {"name": "Rita Reviewer-Approver"},
}


@pytest.mark.requirement("R17", "R18", "R39")
@pytest.mark.parametrize(
    "member",
    [*WORDS, "signed_at", "zone", "class_text", "on_behalf_of", "components", "continuity", "request", "nonce"],
)
def test_an_altered_member_breaks_the_signature(site: Site, signature: SignatureEntry, member: str) -> None:
    said = signature.statement
    if member in WORDS:
        changed: Any = msgspec.structs.replace(getattr(said, member), **WORDS[member])
    else:
        changed = {
            "signed_at": utc_text(site.plant.clock.now_us()),
            "components": ("signing-secret", "password"),
            "continuity": "single",
            "nonce": b64(b"\x09" * 32),
        }.get(member, "else")
        changed = type(getattr(said, member))(changed) if member == "continuity" else changed
    forged = msgspec.structs.replace(said, **{member: changed})
    if member != "nonce":
        forged = msgspec.structs.replace(forged, nonce=b64(b"\x08" * 32))
    assert "did not sign this" in judge(site.plant, msgspec.structs.replace(signature, statement=forged))


@pytest.mark.requirement("R39")
@pytest.mark.parametrize("off_s", [-3600, -601, 60])
def test_a_forged_time_is_named_even_where_the_signer_signed_it(
    site: Site, signature: SignatureEntry, off_s: int
) -> None:
    at = utc_text(site.plant.clock.now_us() + off_s * 1_000_000)
    assert "within ten minutes" in judge(
        site.plant, signed_again(site, signature, signed_at=at, nonce=b64(b"\x05" * 32))
    )


def test_words_that_no_list_has_are_named_even_where_the_signer_signed_them(
    site: Site, signature: SignatureEntry
) -> None:
    words = msgspec.structs.replace(signature.statement.meaning, text="I looked elsewhere.")
    assert "no list" in judge(site.plant, signed_again(site, signature, meaning=words, nonce=b64(b"\x06" * 32)))


def test_a_target_whose_list_and_root_disagree_is_named(site: Site, signature: SignatureEntry) -> None:
    target = signature.statement.target
    wrong = msgspec.structs.replace(target, root=target_root([b"\x01" * 32]))
    assert "do not agree" in judge(site.plant, signed_again(site, signature, target=wrong, nonce=b64(b"\x04" * 32)))


@pytest.mark.requirement("R57")
def test_a_leaf_that_is_not_the_log_s_is_told_as_unsigned(site: Site, signature: SignatureEntry) -> None:
    target = signature.statement.target
    leaves = (target.leaves[0], b64(b"\x02" * 32))
    other = msgspec.structs.replace(target, leaves=leaves, root=target_root([_raw(one) for one in leaves]))
    assert "unsigned now" in judge(site.plant, signed_again(site, signature, target=other, nonce=b64(b"\x03" * 32)))


def _raw(text: str) -> bytes:
    return msgspec.json.decode(f'"{text}"', type=bytes)


def test_a_state_of_the_log_that_never_was_is_named(site: Site, signature: SignatureEntry) -> None:
    seen = msgspec.structs.replace(signature.statement.seen, root=b64(b"\x01" * 32))
    assert "never had the state" in judge(site.plant, signed_again(site, signature, seen=seen, nonce=b64(b"\x0a" * 32)))


@pytest.mark.requirement("R10")
def test_a_role_that_was_not_held_is_named_even_where_the_signer_signed_it(
    site: Site, signature: SignatureEntry
) -> None:
    signer = msgspec.structs.replace(signature.statement.signer, role="approver")
    assert "role 'approver'" in judge(site.plant, signed_again(site, signature, signer=signer, nonce=b64(b"\x0b" * 32)))


@pytest.mark.requirement("R25")
def test_somebody_else_s_key_signs_for_nobody(site: Site, signature: SignatureEntry) -> None:
    signer = msgspec.structs.replace(signature.statement.signer, account="approver1", name="Anna Approver")
    forged = signed_again(site, signature, signer=signer, nonce=b64(b"\x0c" * 32))
    assert "not of 'approver1'" in judge(site.plant, forged)


class Thief:
    """Whoever may append what they like: a key of their own, bound to a person by entries of their making."""

    def __init__(self, plant: Plant, account: str) -> None:
        self.seed = b"\x42" * 32
        public = ed25519_public_key(self.seed)
        self.key = BoundKey(mode=Mode.SEALED_KEY, key_id=key_id_of(public), public_key=b64(public))
        standing = next(iter(plant.history().of(account)))
        with plant.service.store.reading() as connection:
            body = next(
                read_entries(
                    connection, SYSTEM_LOG, standing.requested, standing.requested + 1, plant.service.store.kinds
                )
            ).body
        self.statement: BindingStatement = msgspec.structs.replace(body.statement, key=self.key)
        self.request = msgspec.structs.replace(
            body, binding=self.key.key_id, statement=self.statement, proof=self.prove(act_message(self.statement)),
            secrets=(),
        )  # fmt: skip

    def prove(self, message: bytes) -> KeyProof:
        return KeyProof(key_id=self.key.key_id, signature=b64(ed25519_sign(self.seed, message)))

    def attestation(self, plant: Plant, request: str, voucher: Signer, event: BindingEvent) -> KeyBindingEntry:
        history = plant.history()
        own = next(one for one in history.of(voucher.account) if one.bound)
        said = Attestation(
            origin=history.origin,
            request=request,
            digest=digest_of(self.statement),
            account=voucher.account,
            name=voucher.name,
            key=history.address(own),
            how="forged",
            at=utc_text(plant.clock.now_us()),
        )
        return KeyBindingEntry(
            binding=self.key.key_id,
            event=event,
            account=self.statement.account,
            reason="forged",
            authority=Authority(actor=voucher.account, authenticated=True),
            attestation=said,
            proof=KeyProof(key_id=own.key.key_id, signature=self.prove(act_message(said)).signature),
        )


@pytest.mark.requirement("R19")
def test_a_key_is_never_issued_again_to_its_person_or_to_another(site: Site) -> None:
    plant = site.plant
    standing = next(one for one in plant.history().of("reviewer1") if one.bound)
    with plant.service.store.reading() as connection:
        asked = next(
            read_entries(
                connection, SYSTEM_LOG, standing.requested, standing.requested + 1, plant.service.store.kinds
            )
        ).body  # fmt: skip
    assert "was bound before" in judge(plant, asked, "key-binding")
    said = msgspec.structs.replace(asked.statement, account="approver1", name="Anna Approver")
    proof = msgspec.structs.replace(asked.proof, signature=seed_of(site, site.reviewer, act_message(said)))
    theirs = msgspec.structs.replace(asked, account="approver1", statement=said, proof=proof)
    assert "was bound before" in judge(plant, theirs, "key-binding")


def test_a_key_that_nobody_vouched_for_signs_nothing(founded_plant: Plant) -> None:
    plant = founded_plant
    site = _Small(plant)
    (entry,) = plant.records(1)
    done = plant.quality.sign(entry).entry
    thief = Thief(plant, "quality1")
    index = plant.service.store.append_one(SYSTEM_LOG, draft(thief.request)).index
    said = msgspec.structs.replace(
        done.statement, binding=f"{plant.service.system.origin}#{index}", nonce=b64(b"\x0d" * 32)
    )
    forged = msgspec.structs.replace(done, statement=said, proof=thief.prove(signed_message(said)))
    assert "did not count" in judge(site.plant, forged)
    voucher = thief.attestation(plant, said.binding or "", plant.officer, BindingEvent.ATTESTED)
    assert "did not sign this" in judge(plant, voucher, "key-binding")
    own = thief.attestation(plant, said.binding or "", plant.quality, BindingEvent.ATTESTED)
    assert "cannot vouch" in judge(plant, own, "key-binding")


class _Small:
    def __init__(self, plant: Plant) -> None:
        self.plant = plant


def test_there_is_no_second_first_start(founded_plant: Plant) -> None:
    plant = founded_plant
    with pytest.raises(Conflict, match="first start"):
        plant.signing.ceremony.prepare(plant.officer.caller, "officer1", "quality1")
    with plant.service.store.reading() as connection:
        size = LogReader(connection, SYSTEM_LOG).head().size
        ceremony = next(
            one
            for one in read_entries(connection, SYSTEM_LOG, 0, size, plant.service.store.kinds)
            if one.kind == "ceremony"
        )
    assert "first start before" in judge(plant, ceremony.body, "ceremony")


@pytest.mark.requirement("R25", "R29")
def test_an_administrator_who_resets_everything_still_cannot_sign(founded_plant: Plant) -> None:
    plant = founded_plant
    victim = plant.join("reviewer1", "Rita Reviewer", Role.REVIEWER)
    second = plant.person("officer2", "Oscar Officer", Role.SECURITY_OFFICER, plant.officer.sign_in().authority)
    second.sign_in()
    second.make_key()
    (entry,) = plant.records(1)
    resets = plant.service.entrance.resets
    asked = resets.ask("reviewer1", True, "says so", plant.officer.sign_in().authority)
    code = resets.confirm(asked.reset, "as asked", second.caller.authority)
    # The administrators sign in as the victim, with components that they set themselves.
    thief = Signer(plant, "reviewer1", "Rita Reviewer")
    enrolment = plant.service.entrance.enrolment
    begun = enrolment.begin(code.code)
    thief.device = begun.secret or ""
    thief.password = "another long way round the hill"
    now = pyotp.TOTP(thief.device).at(plant.clock.now_us() // 1_000_000)
    enrolment.finish(begun.state, Set(password=thief.password, code=now), HERE)
    thief.sign_in()
    put = thief.prepare(entry, meaning="reviewed")
    with pytest.raises(NotAuthenticated):
        thief.complete(put, shown=Shown(code=thief.code(), secret="guess the secret of rita"))
    # Nor do they get a key of their own for her: a new check of identity is due, and they vouch for nothing of hers.
    plant.signing.bindings.revoke(victim.key_id, "lost", plant.officer.caller.authority, plant.officer.caller)
    thief.secret = "x7 lamps burn under the old pier"
    with pytest.raises(NotSignatory, match="after the last key ended"):
        thief.make_key()
    plant.quality.sign_in()
    plant.service.people.qualifications.identity(
        "reviewer1", "forged", "2026-03-01", "forged", plant.officer.sign_in().authority
    )
    thief.make_key()
    with pytest.raises(NotSignatory, match="reset something"):
        plant.officer.vouch(thief)
    plant.quality.vouch(thief)
    with pytest.raises(NotSignatory, match="counts"):
        thief.prepare(entry, meaning="reviewed")


@pytest.mark.requirement("R26")
def test_a_revoked_key_signs_nothing_and_what_it_signed_stays_valid(founded_plant: Plant) -> None:
    plant = founded_plant
    reviewer = plant.join("reviewer1", "Rita Reviewer", Role.REVIEWER)
    first, second = plant.records(2)
    reviewer.sign(first, meaning="reviewed")
    put = reviewer.prepare(second, meaning="reviewed")
    plant.signing.bindings.revoke(reviewer.key_id, "secret forgotten", reviewer.caller.authority, reviewer.caller)
    with pytest.raises(IntegrityError, match="is not there"):
        reviewer.complete(put)
    with pytest.raises(NotSignatory):
        reviewer.prepare(second, meaning="reviewed")
    assert plant.service.verifier.run(plant.service.system).holds


def test_of_two_who_complete_one_statement_at_once_one_signs(any_site: Site) -> None:
    any_site.reviewer.sign_in()
    any_site.reviewer.sign(*any_site.fresh(), meaning="reviewed")
    put = any_site.reviewer.prepare(*any_site.fresh(), meaning="reviewed")
    again = any_site.reviewer.prepare(*put.statement.target.entries, meaning="reviewed")
    caller = any_site.reviewer.caller
    signatures = any_site.plant.signing.signatures

    def complete(one: Any) -> str:
        try:
            signatures.complete(one.id, one.digest, Shown(secret=any_site.reviewer.secret), None, caller, HERE)
        except LedgerError as error:
            return error.code
        return "signed"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(complete, [put, again] * 4))
    assert answers.count("signed") == 1
    assert set(answers) <= {"signed", "conflict", "not_found"}


@pytest.mark.requirement("R57")
def test_a_record_that_is_changed_in_the_database_shows_its_signature_as_unsigned(any_site: Site) -> None:
    (entry,) = any_site.fresh()
    done = any_site.reviewer.sign(entry, meaning="reviewed")
    store = any_site.plant.service.store
    with store.reading() as connection:
        logs = {log.origin: log for log in store.logs()}
        leaf = LogReader(connection, 1).entry(entry).leaf
    service = any_site.plant.service
    engine = create_engine(service.settings.owner_url(service.folder))
    with engine.connect() as connection, connection.begin() as transaction:
        _disarm(connection)
        connection.execute(
            text("UPDATE leaf SET data = :data WHERE pos = :pos"),
            {"data": leaf.replace(b'"v":1', b'"v":2'), "pos": pos_of(1, entry)},
        )
        check = SignatureCheck(connection, logs, service.system.origin, {})
        named = None
        size = LogReader(connection, SYSTEM_LOG).head().size
        for one in read_entries(connection, SYSTEM_LOG, 0, size, store.kinds):
            try:
                check.enter(one)
            except LedgerError as error:
                named = (one.index, error.message)
                break
        transaction.rollback()
    engine.dispose()
    assert named is not None
    assert named[0] == done.index
    assert "unsigned now" in named[1]


def test_a_forged_entry_makes_verification_fail_and_names_it(founded_plant: Plant) -> None:
    plant = founded_plant
    (entry,) = plant.records(1)
    done = plant.quality.sign(entry).entry
    index = plant.service.store.append_one(SYSTEM_LOG, draft(done)).index
    report = plant.service.verifier.run(plant.service.system)
    assert not report.holds
    (level,) = [one for one in report.result.levels if one.fault is not None]
    assert (level.level, level.fault and level.fault.index) == (4, index)


def forge(plant: Plant, ident: str, **changes: Any) -> None:
    """Changes what was prepared, as whoever holds the database can."""
    row = prepared.c
    with plant.service.store.writing() as connection:
        found = connection.execute(select(prepared).where(row.id == ident)).one()._mapping
        connection.execute(delete(prepared).where(row.id == ident))
        connection.execute(insert(prepared).values(**{**found, **changes}))


@pytest.mark.requirement("R39")
def test_a_forged_row_of_what_was_prepared_gives_nobody_more_time(site: Site) -> None:
    put = site.reviewer.prepare(*site.fresh(), meaning="reviewed")
    site.plant.clock.pass_seconds(601)
    forge(site.plant, put.id, at_us=site.plant.clock.now_us())
    with pytest.raises(LedgerError, match="waiting to be signed"):
        site.plant.signing.signatures.complete(
            put.id, put.digest, site.reviewer.shown(put), None, site.reviewer.caller, HERE
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"components": ()},
        {"zone": "UTC"},
        {"class_text": "A qualified electronic signature."},
        {"continuity": Continuity.LATER, "components": ("signing-secret",)},
        {"signer": Signer_(account="reviewer1", name="Rita Reviewer", role="approver")},
        {"nonce": ""},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_forged_statement_is_signed_by_nobody_even_if_they_take_it_for_shown(
    site: Site, changes: dict[str, Any]
) -> None:
    plant = site.plant
    if changes == {"nonce": ""}:
        changes = {"nonce": site.reviewer.sign(*site.fresh(), meaning="reviewed").entry.statement.nonce}
    site.reviewer.sign_in()
    put = site.reviewer.prepare(*site.fresh(), meaning="reviewed")
    said = msgspec.structs.replace(put.statement, **changes)
    with plant.service.store.reading() as connection:
        content: Any = connection.scalar(select(prepared.c.content).where(prepared.c.id == put.id))
    kept = msgspec.structs.replace(msgspec.json.decode(bytes(content), type=Kept), statement=said)
    forge(plant, put.id, content=canonical.encode_struct(kept))
    digest = b64(sha256(statement_bytes(said)).digest())
    shown = Shown(code=site.reviewer.code(), secret=site.reviewer.secret)
    with pytest.raises(LedgerError):
        plant.signing.signatures.complete(put.id, digest, shown, None, site.reviewer.caller, HERE)


def test_the_vault_s_key_is_worth_nothing_without_the_secret_or_without_the_pepper(site: Site) -> None:
    keys = site.plant.signing.signatures._keys
    with site.plant.service.store.reading() as connection:
        standing = next(one for one in site.plant.history().of("reviewer1") if one.bound)
        kept = sealed_row(site.plant.service.store, connection, standing)[1]
    for wrong in ("x" * LEAST_SECRET, site.reviewer.password, ""):
        with pytest.raises(NotAuthenticated):
            keys.sign("reviewer1", standing.key, kept, wrong, b"")
    with pytest.raises(NotAuthenticated):
        keys.sign("approver1", standing.key, kept, site.reviewer.secret, b"")
    pepper = keys._pepper
    keys._pepper = lambda: bytes(32)
    try:
        with pytest.raises(NotAuthenticated):
            keys.sign("reviewer1", standing.key, kept, site.reviewer.secret, b"")
    finally:
        keys._pepper = pepper
    assert keys.sign("reviewer1", standing.key, kept, site.reviewer.secret, b"").signature
