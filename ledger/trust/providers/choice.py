"""The provider that the settings name."""

from pathlib import Path

from ledger.trust.providers import apart
from ledger.trust.providers.apart import ApartSecrets
from ledger.trust.providers.base import Provider, Secrets
from ledger.trust.providers.files import FileSecrets
from ledger.trust.providers.options import KeyOptions, ProviderName
from ledger.trust.providers.sealed import SealedSecrets
from ledger.trust.providers.stored import StoredKeys


def provider_of(keys: Path, options: KeyOptions, origin: str) -> Provider:
    """The provider, unopened; `keys` is the folder of keys in the ledger's."""
    secrets = secrets_of(keys, options)
    if options.provider is not ProviderName.PKCS11:
        return StoredKeys(secrets)
    assert options.pkcs11 is not None
    # Imported here: who has no security module need not have the library that speaks to one.
    from ledger.trust.providers.pkcs11 import TokenKeys

    return TokenKeys(options.pkcs11, origin, keys.parent, secrets)


def secrets_of(keys: Path, options: KeyOptions) -> Secrets:
    """Where the secrets are kept, and in files the keys that sign too."""
    if options.secrets is not ProviderName.SEALED:
        return FileSecrets(keys)
    sealed = SealedSecrets(keys, lambda: options.passphrase.read(keys.parent))
    return ApartSecrets(sealed, sealed_signers(keys, options)) if options.signer_apart else sealed


def sealed_signers(keys: Path, options: KeyOptions) -> SealedSecrets:
    """The sealed file of the logs' keys, where they lie apart."""
    return SealedSecrets(keys, lambda: options.signer_passphrase.read(keys.parent), name=apart.FILE_NAME)
