"""Sealed keys: dear to guess, bound to person and key, sealed anew when parameters rise, gone when they are revoked."""

from pathlib import Path

import msgspec
import pytest

from ledger.core.errors import Conflict, IntegrityError, NotAuthenticated, SchemaViolation
from ledger.core.note import ed25519_verify
from ledger.service import Service
from ledger.signing.history import sealed_row
from ledger.signing.person_keys import PersonKeys, SealedKey, Sealing
from tests.support.founded import founded
from tests.support.signers import CHEAP, LIGHT, Plant

SECRET = "seven grey kettles hum at dawn"


def test_one_guess_costs_at_least_128_mebibytes_and_three_rounds() -> None:
    assert Sealing() == Sealing(memory_kib=128 * 1024, time=3, lanes=1)
    keys = PersonKeys(lambda: bytes(32))
    made = keys.make("reviewer1", SECRET, lambda key: key.key_id.encode())
    kept = msgspec.convert(made.kept, SealedKey)
    assert (kept.memory_kib, kept.time) == (128 * 1024, 3)
    public = msgspec.json.decode(f'"{made.key.public_key}"', type=bytes)
    assert ed25519_verify(public, made.key.key_id.encode(), made.signature)
    signed = keys.sign("reviewer1", made.key, made.kept, SECRET, b"words")
    assert ed25519_verify(public, b"words", signed.signature)
    assert signed.kept is None


@pytest.mark.parametrize("member", ["memory_kib", "time", "salt", "nonce", "box"])
def test_what_is_kept_of_a_key_cannot_be_changed_in_any_member(member: str) -> None:
    keys = PersonKeys(lambda: bytes(32), LIGHT)
    made, other = (keys.make("reviewer1", SECRET, lambda key: b"") for _ in range(2))
    changed = {"memory_kib": 128, "time": 2}.get(member, other.kept[member])
    with pytest.raises(NotAuthenticated):
        keys.sign("reviewer1", made.key, {**made.kept, member: changed}, SECRET, b"")
    with pytest.raises(IntegrityError):
        keys.sign("reviewer1", made.key, {**made.kept, "more": 1}, SECRET, b"")


def test_a_key_is_sealed_anew_at_its_next_use_when_parameters_rise(tmp_path: Path) -> None:
    plant = founded(tmp_path / "ledger")
    first, second = plant.records(2)
    dearer = Service(plant.service.folder, plant.clock, effort=CHEAP, sealing=Sealing(memory_kib=256, time=2))
    standing = next(iter(plant.history().of("quality1")))
    with plant.service.store.reading() as connection:
        before, _ = sealed_row(plant.service.store, connection, standing)
    plant.signing = dearer.signing
    plant.quality.sign(first)
    with plant.service.store.reading() as connection:
        after, kept = sealed_row(plant.service.store, connection, standing)
    assert after > before
    assert (kept["memory_kib"], kept["time"]) == (256, 2)
    plant.quality.sign(second)
    with plant.service.store.reading() as connection:
        assert sealed_row(plant.service.store, connection, standing)[0] == after
    assert plant.service.verifier.run(plant.service.system).holds
    dearer.close()
    plant.close()


@pytest.mark.requirement("R27", "R29", "R55")
def test_a_signing_secret_is_strong_no_login_password_and_a_person_has_one_key(plant: Plant) -> None:
    plant.officer.sign_in()
    bindings = plant.signing.bindings
    for secret, why in (
        ("short one", "shorter than 14"),
        ("passwordpassword", "common"),
        ("the officer1 of this plant", "name"),
        (plant.officer.password, "login password"),
    ):
        with pytest.raises(SchemaViolation, match=why):
            bindings.request(plant.officer.caller, secret, "first key")
    plant.officer.make_key()
    with pytest.raises(Conflict, match="you have a signing key"):
        plant.officer.make_key()
    standing = next(iter(plant.history().of("officer1")))
    bindings.revoke(plant.officer.key_id, "forgotten", plant.officer.caller.authority, plant.officer.caller)
    with plant.service.store.reading() as connection, pytest.raises(IntegrityError):
        sealed_row(plant.service.store, connection, standing)
