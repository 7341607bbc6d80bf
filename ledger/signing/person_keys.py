"""Signing keys of persons, sealed so that neither the database nor its backup nor the pepper alone can use one.

    wrapping key = HKDF-SHA-256( Argon2id(secret, salt) ‖ HMAC-SHA-256(pepper, [account, key id, salt]),
                                 info `trailseal/person-key/v1` )
    box          = AES-256-GCM(wrapping key, nonce, Ed25519 seed; the parameters, account and public key beside it)

The secret is asked at every signing; an unsealed key lives for one call of `sign` and is handed to nobody. This stops
who holds the database. Who controls the running server sees the secret go by: only a passkey keeps it from there.
"""

import hmac
import secrets
import unicodedata
from collections.abc import Callable
from typing import Any, Final

import msgspec
from argon2.low_level import ARGON2_VERSION, Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ledger.core import canonical
from ledger.core.binding import BoundKey, key_id_of
from ledger.core.errors import IntegrityError, NotAuthenticated
from ledger.core.hashing import b64, unb64
from ledger.core.note import ed25519_public_key, ed25519_sign
from ledger.core.signature import Mode

SECRET: Final = "signing-key"  # noqa: S105 - the name of the vault row, not its value
LEAST_SECRET: Final = 14
"""Characters of the shortest signing secret."""
_INFO: Final = b"trailseal/person-key/v1"
_SALT, _NONCE, _SEED = 32, 12, 32


class Sealing(msgspec.Struct, frozen=True, kw_only=True):
    """What one guess at a stolen key costs (Argon2id, RFC 9106)."""

    memory_kib: int = 128 * 1024
    time: int = 3
    lanes: int = 1


class SealedKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the vault keeps of a key: parameters, salt and nonce (base64), and the box with the seed."""

    v: int
    version: int
    memory_kib: int
    time: int
    lanes: int
    salt: str
    nonce: str
    box: str


class MadeKey(msgspec.Struct, frozen=True, kw_only=True):
    """A new key: what is told of it, what the vault keeps, and its first signature."""

    key: BoundKey
    kept: Any
    signature: bytes


class SignedByKey(msgspec.Struct, frozen=True, kw_only=True):
    """A signature; `kept`: the key sealed anew, where its parameters were cheaper than today's."""

    signature: bytes
    kept: Any = None


class PersonKeys:
    """Makes, seals and uses keys. Safe to use from any number of threads; each call takes Argon2's time and memory."""

    def __init__(self, pepper: Callable[[], bytes], sealing: Sealing = Sealing()) -> None:  # noqa: B008 - frozen
        self._pepper = pepper
        self._sealing = sealing

    def make(self, account: str, secret: str, message: Callable[[BoundKey], bytes]) -> MadeKey:
        """A new key for this person, sealed by the secret; `message` says what it signs at once, given what it is."""
        seed = secrets.token_bytes(_SEED)
        public = ed25519_public_key(seed)
        key = BoundKey(mode=Mode.SEALED_KEY, key_id=key_id_of(public), public_key=b64(public))
        kept = self._seal(account, key, secret, seed)
        return MadeKey(key=key, kept=kept, signature=ed25519_sign(seed, message(key)))

    def sign(self, account: str, key: BoundKey, kept: Any, secret: str, message: bytes) -> SignedByKey:
        """The key's signature over the message. Raises NotAuthenticated for another secret, IntegrityError where what
        the vault keeps is no key.
        """
        try:
            sealed = msgspec.convert(kept, SealedKey)
        except msgspec.ValidationError:
            raise _no_key(key) from None
        seed = self._open(account, key, sealed, secret)
        if ed25519_public_key(seed) != unb64(key.public_key, _SEED):
            raise _no_key(key)
        anew = self._seal(account, key, secret, seed) if self._is_cheaper(sealed) else None
        return SignedByKey(signature=ed25519_sign(seed, message), kept=anew)

    def _seal(self, account: str, key: BoundKey, secret: str, seed: bytes) -> Any:
        effort = self._sealing
        head = SealedKey(
            v=1,
            version=ARGON2_VERSION,
            memory_kib=effort.memory_kib,
            time=effort.time,
            lanes=effort.lanes,
            salt=b64(secrets.token_bytes(_SALT)),
            nonce=b64(secrets.token_bytes(_NONCE)),
            box="",
        )
        aead = AESGCM(self._wrapping_key(account, key, head, secret))
        box = aead.encrypt(unb64(head.nonce, _NONCE), seed, _beside(account, key, head))
        return msgspec.to_builtins(msgspec.structs.replace(head, box=b64(box)))

    def _open(self, account: str, key: BoundKey, sealed: SealedKey, secret: str) -> bytes:
        aead = AESGCM(self._wrapping_key(account, key, sealed, secret))
        try:
            return aead.decrypt(unb64(sealed.nonce, _NONCE), unb64(sealed.box), _beside(account, key, sealed))
        except InvalidTag:
            raise NotAuthenticated("this is not the signing secret") from None

    def _wrapping_key(self, account: str, key: BoundKey, head: SealedKey, secret: str) -> bytes:
        salt = unb64(head.salt, _SALT)
        stretched = hash_secret_raw(
            secret=normal(secret).encode(),
            salt=salt,
            time_cost=head.time,
            memory_cost=head.memory_kib,
            parallelism=head.lanes,
            hash_len=32,
            type=Type.ID,
            version=head.version,
        )
        outside = hmac.digest(self._pepper(), canonical.dumps([account, key.key_id, head.salt]), "sha256")
        return HKDF(SHA256(), 32, None, _INFO).derive(stretched + outside)

    def _is_cheaper(self, sealed: SealedKey) -> bool:
        effort = self._sealing
        return sealed.memory_kib < effort.memory_kib or sealed.time < effort.time or sealed.version < ARGON2_VERSION


def normal(secret: str) -> str:
    """The same characters however a keyboard composed them (RFC 8265)."""
    return unicodedata.normalize("NFC", secret)


def _beside(account: str, key: BoundKey, head: SealedKey) -> bytes:
    """What the box is bound to besides its key: parameters, person and public key."""
    members = msgspec.to_builtins(msgspec.structs.replace(head, box=""))
    return canonical.dumps({**members, "account": account, "public_key": key.public_key})


def _no_key(key: BoundKey) -> IntegrityError:
    return IntegrityError(
        f"what is kept of signing key {key.key_id} is not that key",
        advice="Run `trailseal verify --full`; the person revokes the key and makes a new one.",
    )
