"""The `[keys]` part of trailseal.toml: which provider holds the keys, and where it finds what opens it."""

import os
from enum import StrEnum
from pathlib import Path

import msgspec

from ledger.core.errors import ConfigError


class ProviderName(StrEnum):
    """The providers there are."""

    FILE = "file"
    SEALED = "sealed"
    PKCS11 = "pkcs11"


class Opener(msgspec.Struct, frozen=True, kw_only=True):
    """A passphrase or PIN, given by a file or an environment variable; never by the settings themselves."""

    what: str
    file: str
    env: str

    @property
    def place(self) -> str:
        """Where it is looked for."""
        return self.file or f"${self.env}"

    def read(self, folder: Path) -> str:
        """What is given, without a line feed at its end; raises ConfigError, naming the place and never the content."""
        if self.file:
            try:
                text = (folder / self.file).read_text("utf-8")
            except (OSError, UnicodeDecodeError):
                raise ConfigError(
                    f"the {self.what} cannot be read from {self.file}", advice="Check that the file is there, in UTF-8."
                ) from None
        else:
            text = os.environ.get(self.env, "")
        text = text.removesuffix("\n").removesuffix("\r")
        if not text:
            raise ConfigError(
                f"there is no {self.what} in {self.place}", advice="Give it to this process there; nothing was opened."
            )
        return text

    def given(self, folder: Path) -> bool:
        """Whether this process is given it; its content is not looked at."""
        return os.access(folder / self.file, os.R_OK) if self.file else self.env in os.environ

    def problems(self, folder: Path) -> list[str]:
        """What is wrong with its protection."""
        if not self.file or not (folder / self.file).exists():
            return []
        loose = (folder / self.file).stat().st_mode & 0o077
        return [f"{self.file} can be read by others: set its mode to 600"] if loose else []


class Pkcs11Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token of a security module: `module` is the vendor's PKCS#11 library, `token` the token's label.

    `secrets`: where what is no signing key is kept, in files or in a sealed file.
    """

    module: str
    token: str
    pin_file: str = ""
    pin_env: str = ""
    secrets: ProviderName = ProviderName.FILE

    def __post_init__(self) -> None:
        _one("keys.pkcs11", "pin", self.pin_file, self.pin_env)
        if self.secrets is ProviderName.PKCS11:
            raise ConfigError(
                "keys.pkcs11.secrets: a module keeps keys that sign, not these", advice='Write "file" or "sealed".'
            )

    @property
    def pin(self) -> Opener:
        """What opens the token."""
        return Opener(what="PIN", file=self.pin_file, env=self.pin_env)


class KeyOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the keys are. A relative file is one in the ledger's folder.

    `signer_passphrase_file` or `_env`: what opens the sealed file of the logs' keys alone, for the process that signs.
    """

    provider: ProviderName = ProviderName.FILE
    passphrase_file: str = ""
    passphrase_env: str = ""
    signer_passphrase_file: str = ""
    signer_passphrase_env: str = ""
    pkcs11: Pkcs11Options | None = None

    def __post_init__(self) -> None:
        if self.provider is ProviderName.PKCS11 and self.pkcs11 is None:
            raise ConfigError("keys.pkcs11 is missing", advice="Name module, token and where the PIN is.")
        if self.seals:
            _one("keys", "passphrase", self.passphrase_file, self.passphrase_env)
        if self.signer_apart:
            _one("keys", "signer_passphrase", self.signer_passphrase_file, self.signer_passphrase_env)
            if self.provider is not ProviderName.SEALED:
                raise ConfigError(
                    "keys: a passphrase of the signer's own opens a sealed file of the logs' keys, and there is none",
                    advice='It goes with provider = "sealed": `trailseal key seal`.',
                )

    @property
    def signer_apart(self) -> bool:
        """Whether the logs' keys lie in a sealed file of their own."""
        return bool(self.signer_passphrase_file or self.signer_passphrase_env)

    @property
    def signer_passphrase(self) -> Opener:
        """What opens the logs' keys, where they lie apart."""
        return Opener(what="signer's passphrase", file=self.signer_passphrase_file, env=self.signer_passphrase_env)

    @property
    def seals(self) -> bool:
        """Whether there is a sealed file."""
        return self.secrets is ProviderName.SEALED

    @property
    def secrets(self) -> ProviderName:
        """Where what is no signing key is kept."""
        if self.provider is ProviderName.PKCS11 and self.pkcs11 is not None:
            return self.pkcs11.secrets
        return self.provider

    @property
    def passphrase(self) -> Opener:
        """What opens the sealed file."""
        return Opener(what="passphrase", file=self.passphrase_file, env=self.passphrase_env)


def _one(section: str, name: str, file: str, env: str) -> None:
    if bool(file) == bool(env):
        raise ConfigError(
            f"{section}: one of {name}_file and {name}_env is needed",
            advice=f"Name the file that holds the {name}, or the environment variable.",
        )
