"""The folder that `witness init` makes: what the witness states, its own keys, and its memory.

witness.json          name, statement, limits, and where the passphrase of sealed keys is
keys/                 the 32 secret bytes of each key: they serve this one witness and nothing else
    ed25519.key, ml-dsa-44.key      each in a file of mode 600
    sealed.keys                     or all in one file, under a passphrase
logs/, published/     see `states`
"""

from pathlib import Path
from typing import Final

import msgspec

from ledger.core.cosignature import CosignatureSigner, MldsaSigner
from ledger.core.errors import ConfigError
from ledger.trust.files import sync_folder, write_durably
from ledger.trust.providers.base import Secrets
from ledger.trust.providers.files import FileSecrets
from ledger.trust.providers.options import Opener
from ledger.trust.providers.sealed import SealedSecrets
from ledger.trust.providers.stored import SEED_SIZE, create_seed, read_seed
from ledger.trust.witness.statement import About, Statement
from ledger.trust.witness.states import States

_SETTINGS: Final = "witness.json"

Signer = CosignatureSigner | MldsaSigner
_KINDS: Final[dict[str, type[CosignatureSigner] | type[MldsaSigner]]] = {
    "ed25519": CosignatureSigner,
    "ml-dsa-44": MldsaSigner,
}
_FIRST: Final = "ed25519"
"""The key that every witness has."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`witness.json`: made by `init`, and a person may change it. Limits protect the witness, not the log."""

    name: str
    statement: Statement
    published: str = "published"
    """Folder of the checkpoints that anybody may see, from the witness's own folder; best on another disk."""
    at_once: int = 16
    """Requests that are worked on or wait at one time; more are answered 429."""
    refusals_a_minute: int = 60
    """Requests of one peer that are no log's, before it is answered 429 for the rest of the minute; 0: any number."""
    passphrase_file: str = ""
    """Of sealed keys: the file that holds it, from the witness's own folder; or the environment variable."""
    passphrase_env: str = ""
    vkeys: tuple[str, ...] = ()
    """The verifier keys, as `init` printed them: a key file that gives another one is not used."""

    def secrets(self, folder: Path) -> Secrets:
        """Where the keys are; raises ConfigError if two places are named for the passphrase."""
        keys = folder / "keys"
        if self.passphrase_file and self.passphrase_env:
            raise ConfigError("the passphrase is in a file or in a variable, not in both")
        if not self.passphrase_file and not self.passphrase_env:
            return FileSecrets(keys)
        opener = Opener(what="passphrase", file=self.passphrase_file, env=self.passphrase_env)
        return SealedSecrets(keys, lambda: opener.read(folder))


class WitnessFolder:
    """One witness as its folder holds it; its secrets leave it as signers only."""

    def __init__(self, folder: Path) -> None:
        """Raises ConfigError if it is no witness's folder, or its keys can be read by others."""
        self.settings = _settings(folder)
        _require_private(folder / "keys")
        self.signers = _signers(self.settings.name, self.settings.secrets(folder))
        if self.settings.vkeys != self.about().vkeys:
            raise ConfigError(
                f"the keys in {folder / 'keys'} are not those that this witness was made with",
                advice="Restore them from their backup; a new key is another witness: `trailseal witness init`.",
            )
        own = [signer.verifier for signer in self.signers]
        self.states = States(folder, folder / self.settings.published, own)

    @classmethod
    def create(cls, folder: Path, settings: Settings, *, post_quantum: bool = False) -> "WitnessFolder":
        """A new witness with keys of its own; raises ConfigError rather than touch a folder that holds one."""
        if (folder / _SETTINGS).exists() or (folder / "keys").exists():
            raise ConfigError(f"{folder} holds a witness already", advice="Choose another folder for another witness.")
        # A name that no signature line can hold is found before anything is written.
        MldsaSigner(settings.name, bytes(SEED_SIZE))
        secrets = settings.secrets(folder)
        for kind in _KINDS if post_quantum else (_FIRST,):
            create_seed(secrets, kind)
        (folder / "logs").mkdir(mode=0o700, exist_ok=True)
        vkeys = tuple(str(signer.verifier) for signer in _signers(settings.name, secrets))
        made = msgspec.json.encode(msgspec.structs.replace(settings, vkeys=vkeys))
        write_durably(folder / _SETTINGS, msgspec.json.format(made, indent=2) + b"\n", mode=0o644)
        sync_folder(folder.parent)
        return cls(folder)

    def about(self) -> About:
        """What it tells anybody who asks."""
        return About(
            **msgspec.structs.asdict(self.settings.statement),
            name=self.settings.name,
            vkeys=tuple(str(signer.verifier) for signer in self.signers),
        )


def _signers(name: str, secrets: Secrets) -> tuple[Signer, ...]:
    found = secrets.names()
    return tuple(
        signer(name, read_seed(secrets, kind)) for kind, signer in _KINDS.items() if kind in found or kind == _FIRST
    )


def _settings(folder: Path) -> Settings:
    try:
        return msgspec.json.decode((folder / _SETTINGS).read_bytes(), type=Settings)
    except FileNotFoundError:
        raise ConfigError(
            f"{folder} is no witness's folder: it has no {_SETTINGS}", advice="Make one: `trailseal witness init DIR`."
        ) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"{folder / _SETTINGS}: {error}") from None


def _require_private(keys: Path) -> None:
    for path in (keys, *sorted(keys.glob("*"))):
        if path.exists() and path.stat().st_mode & 0o077:
            raise ConfigError(
                f"{path} can be read by others",
                advice="Set its mode to 600 (a folder's to 700). If somebody may have read it, make a new witness.",
            )
