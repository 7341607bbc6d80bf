"""The folder that `witness init` makes: what the witness states, its own keys, and its memory.

witness.json          name, statement, limits
keys/ed25519.key      the 32 secret bytes of each key, mode 600: they serve this one witness and nothing else
keys/ml-dsa-44.key
logs/, published/     see `states`
"""

import secrets
from pathlib import Path
from typing import Final

import msgspec

from ledger.core.cosignature import CosignatureSigner, MldsaSigner
from ledger.core.errors import ConfigError, InvalidEntry
from ledger.core.hashing import b64, unb64
from ledger.trust.files import sync_folder, write_durably
from ledger.trust.witness.statement import About, Statement
from ledger.trust.witness.states import States

SEED_SIZE: Final = 32
_SETTINGS: Final = "witness.json"

Signer = CosignatureSigner | MldsaSigner
_KINDS: Final[dict[str, type[CosignatureSigner] | type[MldsaSigner]]] = {
    "ed25519": CosignatureSigner,
    "ml-dsa-44": MldsaSigner,
}


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`witness.json`: made by `init`, and a person may change it. Limits protect the witness, not the log."""

    name: str
    statement: Statement
    published: str = "published"
    """Folder of the checkpoints that anybody may see, from the witness's own folder; best on another disk."""
    at_once: int = 16
    """Requests that are worked on or wait at one time; more are answered 429."""
    refusals_a_minute: int = 60
    """Requests of one peer that are no log's, before it is answered 429 for the rest of the minute."""


class WitnessFolder:
    """One witness as its folder holds it; its secrets leave it as signers only."""

    def __init__(self, folder: Path) -> None:
        """Raises ConfigError if it is no witness's folder, or its keys can be read by others."""
        self.settings = _settings(folder)
        self.states = States(folder, folder / self.settings.published)
        found = [kind for kind in _KINDS if _key_file(folder, kind).exists()]
        if "ed25519" not in found:
            raise ConfigError(
                f"{_key_file(folder, 'ed25519')} is missing",
                advice="Restore it from its backup; a new key is another witness: `trailseal witness init`.",
            )
        self.signers: tuple[Signer, ...] = tuple(
            _KINDS[kind](self.settings.name, _seed(_key_file(folder, kind))) for kind in found
        )

    @classmethod
    def create(cls, folder: Path, settings: Settings, *, post_quantum: bool = False) -> "WitnessFolder":
        """A new witness with keys of its own; raises ConfigError rather than touch a folder that holds one."""
        if (folder / _SETTINGS).exists() or _key_file(folder, "ed25519").exists():
            raise ConfigError(f"{folder} holds a witness already", advice="Choose another folder for another witness.")
        # A name that no signature line can hold is found before anything is written.
        CosignatureSigner(settings.name, bytes(SEED_SIZE))
        (folder / "keys").mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "logs").mkdir(mode=0o700, exist_ok=True)
        for kind in _KINDS if post_quantum else ("ed25519",):
            write_durably(_key_file(folder, kind), f"{b64(secrets.token_bytes(SEED_SIZE))}\n".encode())
        write_durably(folder / _SETTINGS, msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n", 0o644)
        sync_folder(folder.parent)
        return cls(folder)

    def about(self) -> About:
        """What it tells anybody who asks."""
        return About(
            **msgspec.structs.asdict(self.settings.statement),
            name=self.settings.name,
            vkeys=tuple(str(signer.verifier) for signer in self.signers),
        )


def _settings(folder: Path) -> Settings:
    try:
        return msgspec.json.decode((folder / _SETTINGS).read_bytes(), type=Settings)
    except FileNotFoundError:
        raise ConfigError(
            f"{folder} is no witness's folder: it has no {_SETTINGS}", advice="Make one: `trailseal witness init DIR`."
        ) from None
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{folder / _SETTINGS}: {error}") from None


def _key_file(folder: Path, kind: str) -> Path:
    return folder / "keys" / f"{kind}.key"


def _seed(path: Path) -> bytes:
    if path.stat().st_mode & 0o077 or path.parent.stat().st_mode & 0o077:
        raise ConfigError(
            f"{path} can be read by others",
            advice="Set its mode to 600 and its folder's to 700. If somebody may have read it, make a new witness.",
        )
    try:
        return unb64(path.read_text("ascii").strip(), SEED_SIZE)
    except (ValueError, InvalidEntry):  # whose message may hold what was read
        raise ConfigError(f"{path} is damaged", advice="Restore it from its backup.") from None
