"""A security module for tests: SoftHSM2 (Debian's `softhsm2`), with tokens of its own in a folder of its own."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.trust.providers.options import Pkcs11Options

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN_VARIABLE = "TRAILSEAL_TEST_PIN"
PIN = "loose-lips-2719"
OFFICER = "officer-8321"


class SoftHsm:
    """The module as this process and those it starts see it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "tokens").mkdir()
        config = folder / "softhsm2.conf"
        config.write_text(
            f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        os.environ["SOFTHSM2_CONF"] = str(config)
        os.environ[PIN_VARIABLE] = PIN
        # The module lists its tokens once, when it is loaded.
        self.token = _token("for tests")
        self.unopened = _token("never opened")
        """A token that no test opens."""

    def bytes(self) -> bytes:
        """All that the module keeps on disk."""
        return b"".join(path.read_bytes() for path in self._folder.rglob("*") if path.is_file())


def _token(label: str) -> Pkcs11Options:
    """A new token, and the settings by which a ledger uses it."""
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", OFFICER]
    subprocess.run(command, check=True, capture_output=True)
    return Pkcs11Options(module=MODULE, token=label, pin_env=PIN_VARIABLE)


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    """One module for the whole process: a library is loaded once, and reads its settings then."""
    before = os.environ.get("SOFTHSM2_CONF")
    yield SoftHsm(tmp_path_factory.mktemp("softhsm"))
    os.environ.pop(PIN_VARIABLE, None)
    if before is None:
        os.environ.pop("SOFTHSM2_CONF", None)
    else:
        os.environ["SOFTHSM2_CONF"] = before
