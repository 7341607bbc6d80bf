"""Secrets in one file that a passphrase opens: Argon2id makes the key, XChaCha20-Poly1305 seals what is kept.

    trailseal-sealed-keys/1 LF ‖ header (canonical JSON) LF ‖ nonce (24) ‖ ciphertext

The header names the parameters of Argon2id and is authenticated with the content: a file of which one byte was changed
is refused. Whoever has the file alone has to guess the passphrase, at the header's price a guess.
"""

import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import msgspec
from nacl import pwhash
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
)
from nacl.exceptions import CryptoError

from ledger.core.canonical import encode_struct
from ledger.core.errors import ConfigError, InvalidEntry
from ledger.core.hashing import b64, unb64
from ledger.trust.files import exclusively, write_durably
from ledger.trust.providers.files import stamp_of

FILE_NAME: Final = "sealed.keys"
MIN_PASSPHRASE: Final = 14
"""Characters of the shortest passphrase under which anything is sealed."""
_MAGIC: Final = b"trailseal-sealed-keys/1\n"
_NONCE: Final = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
_SALT: Final = pwhash.argon2id.SALTBYTES


class SealEffort(msgspec.Struct, frozen=True, kw_only=True):
    """What one guess at the passphrase costs. The bounds keep a forged header from using up the machine."""

    memory_kib: Annotated[int, msgspec.Meta(ge=8, le=1_048_576)]
    passes: Annotated[int, msgspec.Meta(ge=1, le=16)]


MINIMUM: Final = SealEffort(memory_kib=131_072, passes=3)
"""Today's price (0.3 s on one core here): what is sealed from now on costs that, and less is a problem."""


class _Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kdf: str
    memory_kib: Annotated[int, msgspec.Meta(ge=8, le=1_048_576)]
    passes: Annotated[int, msgspec.Meta(ge=1, le=16)]
    salt: str
    cipher: str


class _Opened(msgspec.Struct, frozen=True):
    """An opened file: its state, what its key was made from, the key, and what is in it."""

    stamp: object
    header: bytes
    key: bytes
    kept: dict[str, str]


_KDF, _CIPHER = "argon2id", "xchacha20poly1305-ietf"


class SealedSecrets:
    """Keeps secrets in a file of a folder (`sealed.keys`). The passphrase is asked for when the file is opened or made.

    Safe to use from several threads and processes: each sees what another wrote.
    """

    def __init__(
        self, folder: Path, passphrase: Callable[[], str], effort: SealEffort = MINIMUM, name: str = FILE_NAME
    ) -> None:
        self._path = folder / name
        self._passphrase = passphrase
        self._effort = effort
        self._lock = threading.RLock()
        self._opened: _Opened | None = None

    def read(self, name: str) -> bytes | None:
        """What is kept under a name; None without. Raises ConfigError for a wrong passphrase or an altered file."""
        opened = self._open()
        kept = None if opened is None else opened.kept.get(name)
        return None if kept is None else unb64(kept)

    def add(self, name: str, value: bytes) -> bool:
        """Keeps a new secret, durable once this returns; false, and nothing changed, where there is one already."""

        def change(kept: dict[str, str]) -> bool:
            if name in kept:
                return False
            kept[name] = b64(value)
            return True

        return self._change(change)

    def replace(self, name: str, value: bytes) -> None:
        """Keeps a secret in place of an earlier one, in one step."""
        self._change(lambda kept: kept.update({name: b64(value)}) is None)

    def rename(self, old: str, new: str) -> None:
        """Keeps under another name what was under this one, in place of what was there."""
        self._change(lambda kept: kept.update({new: kept.pop(old)}) is None)

    def remove(self, name: str) -> None:
        """Forgets a secret; copies of the file that were made before hold it, under their passphrase."""
        self._change(lambda kept: kept.pop(name, None) is not None)

    def names(self) -> list[str]:
        """The names under which something is kept."""
        opened = self._open()
        return [] if opened is None else sorted(opened.kept)

    def place(self, name: str) -> str:
        """The file, and the name in it."""
        return f"key {name} in sealed file {self._path}"

    def stamp(self, name: str) -> object:
        """A replaced file has another inode or time."""
        return stamp_of(self._path)

    def problems(self) -> list[str]:
        """Where others can read the file, or a guess at its passphrase costs less than it should today."""
        if not self._path.exists():
            return []
        found = [
            f"{path} can be read by others: set its mode to {mode}"
            for path, mode in ((self._path.parent, 700), (self._path, 600))
            if path.stat().st_mode & 0o077
        ]
        header, _, _ = _parts(self._path)
        if header.memory_kib < MINIMUM.memory_kib or header.passes < MINIMUM.passes:
            found.append(
                f"{self._path} is sealed at {header.memory_kib} KiB and {header.passes} passes, today's minimum is "
                f"{MINIMUM.memory_kib} KiB and {MINIMUM.passes}: seal it again (trailseal key seal)"
            )
        return found

    def reseal(self, passphrase: str) -> None:
        """Seals what is kept anew: under this passphrase, another salt, and at today's price."""
        with self._lock, exclusively(self._path.with_suffix(".lock")):
            opened = self._open()
            self._write(self._make(passphrase) if opened is None else self._make(passphrase, opened.kept))

    def _change(self, change: Callable[[dict[str, str]], bool]) -> bool:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._lock, exclusively(self._path.with_suffix(".lock")):
            opened = self._open() or self._make(self._passphrase())
            kept = dict(opened.kept)
            if not change(kept):
                return False
            self._write(msgspec.structs.replace(opened, kept=kept))
            return True

    def _open(self) -> _Opened | None:
        with self._lock:
            stamp = stamp_of(self._path)
            if stamp is None:
                return None
            if self._opened is None or self._opened.stamp != stamp:
                header, associated, sealed = _parts(self._path)
                before = self._opened
                # A file that was changed and not sealed anew has the same salt: its key is known.
                key = before.key if before is not None and before.header == associated else None
                if key is None:
                    key = _derive(self._passphrase(), header)
                self._opened = _Opened(stamp, associated, key, _unseal(self._path, sealed, associated, key))
            return self._opened

    def _make(self, passphrase: str, kept: dict[str, str] | None = None) -> _Opened:
        require_passphrase(passphrase)
        header = _Header(
            kdf=_KDF,
            memory_kib=self._effort.memory_kib,
            passes=self._effort.passes,
            salt=b64(secrets.token_bytes(_SALT)),
            cipher=_CIPHER,
        )
        return _Opened(None, _MAGIC + encode_struct(header) + b"\n", _derive(passphrase, header), kept or {})

    def _write(self, opened: _Opened) -> None:
        nonce = secrets.token_bytes(_NONCE)
        data = msgspec.json.encode(opened.kept, order="sorted")
        sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(data, opened.header, nonce, opened.key)
        write_durably(self._path, opened.header + nonce + sealed)
        self._opened = msgspec.structs.replace(opened, stamp=stamp_of(self._path))


def require_passphrase(text: str) -> None:
    """Raises ConfigError for one under which nothing is sealed."""
    if len(text) < MIN_PASSPHRASE:
        raise ConfigError(
            f"the passphrase has fewer than {MIN_PASSPHRASE} characters",
            advice="Choose a longer one; nothing was sealed.",
        )


def _parts(path: Path) -> tuple[_Header, bytes, bytes]:
    """The header, the bytes that are authenticated with the content, and nonce with content. Raises ConfigError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", advice="Check its mode.") from None
    end = data.find(b"\n", len(_MAGIC)) + 1
    try:
        if not data.startswith(_MAGIC) or not end:
            raise _altered(path)
        header = msgspec.json.decode(data[len(_MAGIC) : end - 1], type=_Header)
        unb64(header.salt, _SALT)
    except (msgspec.DecodeError, UnicodeDecodeError, InvalidEntry):
        raise _altered(path) from None
    if (header.kdf, header.cipher) != (_KDF, _CIPHER):
        raise _altered(path)
    return header, data[:end], data[end:]


def _derive(passphrase: str, header: _Header) -> bytes:
    return pwhash.argon2id.kdf(
        crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
        passphrase.encode(),
        unb64(header.salt, _SALT),
        opslimit=header.passes,
        memlimit=header.memory_kib * 1024,
    )


def _unseal(path: Path, sealed: bytes, associated: bytes, key: bytes) -> dict[str, str]:
    nonce, content = sealed[:_NONCE], sealed[_NONCE:]
    try:
        data = crypto_aead_xchacha20poly1305_ietf_decrypt(content, associated, nonce, key)
    except (CryptoError, ValueError, TypeError):
        raise ConfigError(
            f"{path} does not open: the passphrase is wrong, or the file was altered",
            advice="Give the right passphrase, or restore the file from its backup; nothing was changed.",
        ) from None
    return msgspec.json.decode(data, type=dict[str, str])


def _altered(path: Path) -> ConfigError:
    return ConfigError(f"{path} is no sealed key file, or was altered", advice="Restore it from its backup.")
