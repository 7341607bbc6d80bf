"""Signing keys in a security module: Ed25519 keys (CKM_EDDSA) that it made and that never leave it.

Any PKCS#11 library will do that has these mechanisms. A key that was made elsewhere (before the ledger had a module, or
offline as a log's next one) can't be brought in: it signs from where the secrets are until it is rotated away. A key's
label is `<origin of the ledger> <name>`, so that ledgers may share a token. One session a process and token, used by
one thread at a time; it is opened anew where the module has lost it. A PIN that was refused is not tried again by this
process: modules lock after a few.
"""

import os
import secrets as random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeVar

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, PKCS11Error, _pkcs11
from pkcs11.util.ec import encode_named_curve_parameters

from ledger.core.errors import ConfigError
from ledger.core.note import ED25519_KEY_SIZE, PrivateKey, ed25519_verify
from ledger.trust.providers.base import NO_SIGNERS, Secrets
from ledger.trust.providers.options import Pkcs11Options
from ledger.trust.providers.stored import StoredKeys

ED25519_OID: Final = "1.3.101.112"
_NEEDED: Final = {Mechanism.EDDSA, Mechanism.EC_EDWARDS_KEY_PAIR_GEN}
_CURVE: Final = (encode_named_curve_parameters(ED25519_OID), b"\x13\x0cedwards25519")
"""The curve as RFC 8410 names it, and as PKCS#11 3.0 allows: modules know one of them, or both."""
_OCTETS: Final = b"\x04\x20"
"""Stands before the 32 bytes of a public key where the module gives it as a DER OCTET STRING."""
_PROBE: Final = b"trailseal/new-key/v1\n"
_LOST: Final = (
    pkcs11.SessionHandleInvalid,
    pkcs11.SessionClosed,
    pkcs11.DeviceRemoved,
    pkcs11.DeviceError,
    pkcs11.TokenNotPresent,
    pkcs11.UserNotLoggedIn,
    pkcs11.KeyHandleInvalid,
    pkcs11.ObjectHandleInvalid,
)
"""After these the session is opened anew, once."""
_RESTART: Final = "Correct it and start the process anew; this one does not try that PIN again."

T = TypeVar("T")


class TokenKeys:
    """Keys of a ledger in a token; `secrets` keeps what is no signing key."""

    def __init__(self, options: Pkcs11Options, origin: str, folder: Path, secrets: Secrets) -> None:
        """`folder` is the ledger's: a relative `pin_file` is in it."""
        self.secrets = secrets
        self._options = options
        self._origin = origin
        self._folder = folder
        self._token = _token(options.module, options.token)
        self._beside = StoredKeys(secrets)

    def require_ready(self) -> None:
        """Raises ConfigError where the token cannot be reached, refuses the PIN, or has no Ed25519."""
        self._use(self._mechanisms)
        self._beside.require_ready()

    def has(self, name: str) -> bool:
        """Whether there is a private key of that name, in the token or beside it."""
        return self.holds(name) or self._beside.has(name)

    def holds(self, name: str) -> bool:
        """Whether the token holds a private key of that name."""
        return self._use(lambda session: bool(self._find(session, ObjectClass.PRIVATE_KEY, name)))

    def create(self, name: str) -> None:
        """Has the token make a key, not extractable, and tries it; raises ConfigError rather than overwrite one."""
        if self.has(name):
            raise ConfigError(f"{self._place(name)} exists already", advice="A key is never overwritten; move it away.")
        self._use(lambda session: self._make(session, name))
        made = self.key(name)
        if not ed25519_verify(made.public_key, _PROBE, made.sign(_PROBE)):
            raise ConfigError(
                f"what {self._place(name)} signs is no Ed25519 signature (RFC 8032)", advice="Use another module."
            )

    def key(self, name: str) -> PrivateKey:
        """A key of the token, or beside it; raises ConfigError where there is none, or the token cannot be reached."""
        if not self.holds(name) and self._beside.has(name):
            return self._beside.key(name)
        return _TokenKey(self, name, self._use(lambda session: self._public(session, name)))

    def take(self, name: str, seed: bytes) -> None:
        """Keeps a key beside the token, which holds only keys that it made."""
        self._beside.take(name, seed)

    def rename(self, old: str, new: str) -> None:
        """Gives a key another label, in place of the one that had it."""
        self.key(old)
        self.remove(new)
        if self.holds(old):
            self._use(lambda session: self._label(session, old, new))
        else:
            self._beside.rename(old, new)

    def remove(self, name: str) -> None:
        """Destroys a key in the token, and one beside it, if there is any."""

        def remove(session: pkcs11.Session) -> None:
            for sort in (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY):
                for one in self._find(session, sort, name):
                    one.destroy()

        self._use(remove)
        self._beside.remove(name)

    def outside(self) -> list[str]:
        """Names of the signing keys that are not in the token."""
        return [name for name in self.secrets.names() if name not in NO_SIGNERS and not name.endswith(".mldsa")]

    def problems(self) -> list[str]:
        """What keeps the token from signing, and what is wrong with the protection of the secrets beside it."""
        found = [*self.secrets.problems(), *self._options.pin.problems(self._folder)]
        try:
            self._use(self._mechanisms)
            found += self._use(self._loose)
        except ConfigError as error:
            found.append(f"{error.message}: {error.advice}")
        return found

    def sign(self, name: str, message: bytes) -> bytes:
        """The token's signature over the message."""

        def sign(session: pkcs11.Session) -> bytes:
            private = self._one(session, ObjectClass.PRIVATE_KEY, name)
            signature: bytes = private.sign(message, mechanism=Mechanism.EDDSA)  # type: ignore[attr-defined]
            return signature

        return self._use(sign)

    def _use(self, work: Callable[["pkcs11.Session"], T]) -> T:
        return self._token.use(self._options.pin.read(self._folder), work)

    def _make(self, session: "pkcs11.Session", name: str) -> None:
        self._mechanisms(session)
        refused: PKCS11Error | None = None
        for curve in _CURVE:
            try:
                session.create_domain_parameters(
                    KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: curve}, local=True
                ).generate_keypair(
                    mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
                    store=True,
                    id=random.token_bytes(16),
                    label=self._name(name),
                    private_template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
                )
            except PKCS11Error as error:
                refused = error
            else:
                return
        raise ConfigError(
            f"the token {self._options.token!r} makes no Ed25519 key ({_told(refused)})",
            advice="Use a module that has Ed25519, or keep the keys in a sealed file.",
        )

    def _mechanisms(self, session: "pkcs11.Session") -> None:
        lacking = _NEEDED - set(session.token.slot.get_mechanisms())
        if lacking:
            raise ConfigError(
                f"the token {self._options.token!r} has no Ed25519: it lacks "
                + " and ".join(sorted(f"CKM_{one.name}" for one in lacking)),
                advice="Use a module that has Ed25519, or keep the keys in a sealed file.",
            )

    def _loose(self, session: "pkcs11.Session") -> list[str]:
        """Private keys of this ledger that were not made in the token, or could be taken out of it."""
        found = []
        for one in session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}):
            label = str(one[Attribute.LABEL])
            if label.startswith(f"{self._origin} ") and not (
                one[Attribute.NEVER_EXTRACTABLE] and one[Attribute.LOCAL] and one[Attribute.SENSITIVE]
            ):
                found.append(f"key {label!r} of token {self._options.token!r} was not made in it, or could leave it")
        return found

    def _public(self, session: "pkcs11.Session", name: str) -> bytes:
        self._one(session, ObjectClass.PRIVATE_KEY, name)
        point = bytes(self._one(session, ObjectClass.PUBLIC_KEY, name)[Attribute.EC_POINT])
        if len(point) == len(_OCTETS) + ED25519_KEY_SIZE:
            point = point.removeprefix(_OCTETS)
        if len(point) != ED25519_KEY_SIZE:
            raise ConfigError(f"{self._place(name)} has no Ed25519 public key", advice="Use a module that has Ed25519.")
        return point

    def _label(self, session: "pkcs11.Session", name: str, new: str) -> None:
        for sort in (ObjectClass.PUBLIC_KEY, ObjectClass.PRIVATE_KEY):
            self._one(session, sort, name)[Attribute.LABEL] = self._name(new)

    def _find(self, session: "pkcs11.Session", sort: ObjectClass, name: str) -> list["pkcs11.Object"]:
        wanted = {Attribute.CLASS: sort, Attribute.KEY_TYPE: KeyType.EC_EDWARDS, Attribute.LABEL: self._name(name)}
        return list(session.get_objects(wanted))

    def _one(self, session: "pkcs11.Session", sort: ObjectClass, name: str) -> "pkcs11.Object":
        found = self._find(session, sort, name)
        if len(found) != 1:
            raise ConfigError(
                f"{self._place(name)} is {'there more than once' if found else 'not there'}",
                advice="Without it nothing can be signed: make the right token reachable.",
            )
        return found[0]

    def _name(self, name: str) -> str:
        return f"{self._origin} {name}"

    def _place(self, name: str) -> str:
        return f"key {self._name(name)!r} of token {self._options.token!r}"


class _TokenKey:
    """A key that signs in its token."""

    def __init__(self, keys: TokenKeys, name: str, public_key: bytes) -> None:
        self._keys = keys
        self._name = name
        self.public_key = public_key

    def sign(self, message: bytes) -> bytes:
        """The token's signature over the message."""
        return self._keys.sign(self._name, message)


class _Token:
    """A token as this process has it: one session, logged in."""

    def __init__(self, module: str, label: str) -> None:
        self._module = module
        self._label = label
        self._lock = threading.RLock()
        self._session: pkcs11.Session | None = None
        self._pin = b""
        self._process = os.getpid()
        self._refused: set[bytes] = set()

    def use(self, pin: str, work: Callable[["pkcs11.Session"], T]) -> T:
        """Does the work in the session; raises ConfigError where the token cannot be reached, or refuses the PIN."""
        with self._lock, self._told():
            try:
                return work(self._opened(pin))
            except _LOST:
                self._close()
                return work(self._opened(pin))

    def _opened(self, pin: str) -> "pkcs11.Session":
        given = sha256(pin.encode()).digest()
        if self._process != os.getpid():
            # A session does not live on in a process that was forked.
            self._session, self._process = None, os.getpid()
            _reinitialize(self._module)
        if self._session is not None and given != self._pin:
            self._close()
        if self._session is None:
            self._session, self._pin = self._open(pin, given), given
        return self._session

    def _open(self, pin: str, given: bytes) -> "pkcs11.Session":
        if given in self._refused:
            raise ConfigError(f"the token {self._label!r} refused the PIN before", advice=_RESTART)
        token = _library(self._module).get_token(token_label=self._label)
        try:
            return token.open(rw=True, user_pin=pin)
        except pkcs11.UserAlreadyLoggedIn:
            return token.open(rw=True)
        except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange):
            self._refused.add(given)
            raise ConfigError(f"the token {self._label!r} refuses the PIN", advice=_RESTART) from None

    def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            try:
                session.close()
            except PKCS11Error:
                return  # the module has closed it

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except pkcs11.PinLocked:
            what, advice = "is locked after too many wrong PINs", "Its security officer can set a new PIN."
        except (pkcs11.NoSuchToken, pkcs11.TokenNotPresent, pkcs11.DeviceRemoved):
            what, advice = "is not there", "Connect it; until then nothing can be signed, and all can be read."
        except PKCS11Error as error:
            what, advice = f"does not answer ({_told(error)})", "Check the module, its settings and the token."
        else:
            return
        raise ConfigError(f"the token {self._label!r} of {self._module} {what}", advice=advice) from None


_tokens: dict[tuple[str, str], _Token] = {}
_initialized_in: dict[str, int] = {}
_guard = threading.Lock()


def _token(module: str, label: str) -> _Token:
    with _guard:
        return _tokens.setdefault((module, label), _Token(module, label))


def _library(module: str) -> _pkcs11.lib:
    with _guard:
        _initialized_in.setdefault(module, os.getpid())
        return pkcs11.lib(module)


def _reinitialize(module: str) -> None:
    with _guard:
        if _initialized_in.get(module, os.getpid()) != os.getpid():
            _initialized_in[module] = os.getpid()
            pkcs11.lib(module).reinitialize()


def _told(error: PKCS11Error | None) -> str:
    """The module's return code by its name: never what was given to it."""
    return type(error).__name__
