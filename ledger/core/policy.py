"""C2SP tlog-policy: which log keys are trusted and which witnesses have to have seen a checkpoint.

log <vkey> [url]
witness <name> <vkey> [url]
group <name> all|any|<k> <member>...
quorum <name>|none
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import msgspec

from ledger.core.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint, parse_decimal
from ledger.core.cosignature import CosignatureKey, MldsaKey, parse_verifier
from ledger.core.errors import ConfigError, MalformedNote, SignatureInvalid
from ledger.core.note import Verifier, VerifierKey, parse_note

NO_QUORUM: Final = "none"
"""The quorum of a policy that asks for no witness."""


class PolicyKey(msgspec.Struct, frozen=True, kw_only=True):
    """A trusted key, and where its owner can be reached (None when the policy does not say)."""

    key: Verifier
    url: str | None = None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Witnesses or other groups of which `threshold` suffice."""

    threshold: int
    members: tuple[str, ...]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What a verifier trusts, given from outside of what it verifies."""

    logs: tuple[PolicyKey, ...]
    witnesses: Mapping[str, PolicyKey]
    groups: Mapping[str, Group]
    quorum: str
    """Name of the witness or group that must be satisfied, or NO_QUORUM."""
    post_quantum: bool = False
    """Whether the log has to sign with ML-DSA-44 too; no line of the file's format says so, the verifier does."""

    @classmethod
    def of_log_keys(cls, keys: Iterable[Verifier]) -> "Policy":
        """Return the policy that trusts these log keys and asks for no witness."""
        return cls(logs=tuple(PolicyKey(key=key) for key in keys), witnesses={}, groups={}, quorum=NO_QUORUM)

    @classmethod
    def parse(cls, text: str) -> "Policy":
        """Return the policy that a file's text writes; raises ConfigError naming the line that is wrong."""
        return _Builder().read(text)

    def with_post_quantum(self) -> "Policy":
        """Return this policy, but a checkpoint has to bear lines of an Ed25519 and of an ML-DSA-44 key of its log.

        Raises ConfigError where it trusts no such pair: nothing could meet it.
        """
        origins = {log.key.name for log in self.logs}
        if not any({type(key) for key in self.log_keys(origin)} >= _KINDS for origin in origins):
            raise ConfigError(
                "a post-quantum line is asked for, and no log has both an Ed25519 and an ML-DSA-44 key here",
                advice="Give both verifier keys of the log: `trailseal key show` prints them.",
            )
        return msgspec.structs.replace(self, post_quantum=True)

    def log_keys(self, origin: str) -> tuple[Verifier, ...]:
        """Return the trusted keys of one log: those named as its origin."""
        return tuple(log.key for log in self.logs if log.key.name == origin)

    def with_log_key(self, key: Verifier) -> "Policy":
        """Return the policy that trusts this key in the place of its log's others of its kind, all else the same."""
        others = tuple(log for log in self.logs if log.key.name != key.name or type(log.key) is not type(key))
        return msgspec.structs.replace(self, logs=(*others, PolicyKey(key=key)))

    def missing(self, signed: SignedCheckpoint) -> str | None:
        """Return what the quorum still lacks, as a phrase for a person; None when it is met."""
        keys = {(signature.name, signature.key_id) for signature in signed.verified}
        seen = {name for name, held in self.witnesses.items() if (held.key.name, held.key.key_id) in keys}
        if self.met_by(seen):
            return None
        return f"quorum {self.quorum} is not met by {', '.join(sorted(seen)) or 'any witness'}"

    def met_by(self, names: Collection[str]) -> bool:
        """Whether these witnesses, named as the policy names them, are its quorum."""
        return self.quorum == NO_QUORUM or self._satisfied(self.quorum, names)

    def open(self, data: bytes) -> SignedCheckpoint:
        """Return the checkpoint only if this policy trusts it: log key, every known line, and quorum.

        Raises MalformedNote on a bad format, SignatureInvalid when a signature fails or is missing.
        """
        origin = Checkpoint.parse(parse_note(data).text).origin
        keys = self.log_keys(origin)
        if not keys:
            raise SignatureInvalid(f"the policy has no key for the log {origin!r}")
        witnesses = [witness.key for witness in self.witnesses.values()]
        signed = open_checkpoint(data, origin, keys, witnesses=witnesses)
        if self.post_quantum:
            _require_both(signed, keys)
        lack = self.missing(signed)
        if lack is not None:
            raise SignatureInvalid(
                f"checkpoint of {origin} at size {signed.checkpoint.size}: {lack}",
                advice="Get a checkpoint that enough of the policy's witnesses have cosigned.",
            )
        return signed

    def _satisfied(self, name: str, seen: Collection[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in seen
        return sum(self._satisfied(member, seen) for member in group.members) >= group.threshold


_KINDS: Final = frozenset({VerifierKey, MldsaKey})


def _require_both(signed: SignedCheckpoint, keys: Iterable[Verifier]) -> None:
    lines = {(signature.name, signature.key_id) for signature in signed.verified}
    kinds = {type(key) for key in keys if (key.name, key.key_id) in lines}
    if not kinds >= _KINDS:
        lacking = "ML-DSA-44" if VerifierKey in kinds else "Ed25519"
        raise SignatureInvalid(
            f"checkpoint of {signed.checkpoint.origin} at size {signed.checkpoint.size} has no {lacking} line of the "
            "log, and both kinds are asked for",
            advice="A line may have been stripped: get the checkpoint from the log itself, or another mirror.",
        )


class _Builder:
    """Reads a policy line by line; every error names the line."""

    def __init__(self) -> None:
        self.logs: list[PolicyKey] = []
        self.witnesses: dict[str, PolicyKey] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self.keys: set[str] = set()
        self.grouped: set[str] = set()

    def read(self, text: str) -> Policy:
        for number, line in enumerate(text.split("\n"), start=1):
            words = line.replace("\t", " ").split(" ")
            words = [word for word in words if word]
            if not words or words[0].startswith("#"):
                continue
            try:
                self._line(words)
            except (ValueError, MalformedNote) as error:
                raise ConfigError(f"policy line {number}: {error}") from error
        if self.quorum is None:
            raise ConfigError("policy has no quorum line", advice="Add `quorum <name>` or `quorum none`.")
        return Policy(logs=tuple(self.logs), witnesses=self.witnesses, groups=self.groups, quorum=self.quorum)

    def _line(self, words: list[str]) -> None:
        match words:
            case ["log", vkey]:
                self.logs.append(self._key(vkey, None))
            case ["log", vkey, url]:
                self.logs.append(self._key(vkey, url))
            case ["witness", name, vkey]:
                self._witness(name, vkey, None)
            case ["witness", name, vkey, url]:
                self._witness(name, vkey, url)
            case ["group", name, threshold, *members]:
                self._group(name, threshold, members)
            case ["quorum", name]:
                self._quorum(name)
            case _:
                raise ValueError(f"not a policy line: {' '.join(words)[:100]!r}")

    def _key(self, vkey: str, url: str | None) -> PolicyKey:
        key = parse_verifier(vkey)
        if vkey in self.keys:
            raise ValueError(f"key {vkey[:100]} occurs twice")
        self.keys.add(vkey)
        return PolicyKey(key=key, url=url)

    def _witness(self, name: str, vkey: str, url: str | None) -> None:
        self._define(name)
        witness = self._key(vkey, url)
        if not isinstance(witness.key, CosignatureKey | MldsaKey):
            raise ValueError(f"key of witness {name} is not of a kind that cosigns")
        self.witnesses[name] = witness

    def _group(self, name: str, threshold: str, members: list[str]) -> None:
        self._define(name)
        if not members:
            raise ValueError(f"group {name} has no member")
        for member in members:
            self._require_defined(member)
            if member in self.grouped:
                raise ValueError(f"{member} is already a member of a group")
            self.grouped.add(member)
        count = {"all": len(members), "any": 1}.get(threshold) or parse_decimal(threshold)
        if not 1 <= count <= len(members):
            raise ValueError(f"group {name} asks for {count} of {len(members)} members")
        self.groups[name] = Group(threshold=count, members=tuple(members))

    def _quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise ValueError("quorum is already set")
        if name != NO_QUORUM:
            self._require_defined(name)
        self.quorum = name

    def _define(self, name: str) -> None:
        if name == NO_QUORUM or name in self.witnesses or name in self.groups:
            raise ValueError(f"name {name!r} is taken")

    def _require_defined(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise ValueError(f"{name!r} is not defined above")
