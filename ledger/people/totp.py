"""One-time codes of a device (RFC 6238): six digits, each good for one use within its half minute and the next to it.

The device's secret is needed in clear to check a code. It lies in the vault encrypted (AES-256-GCM) under a key that is
derived from the pepper of the key provider, bound to account and component: a stolen database yields no code.
"""

import io
from collections.abc import Callable
from typing import Any, Final

import pyotp
import segno
from cryptography.exceptions import InvalidTag

from ledger.core.errors import IntegrityError
from ledger.core.hashing import b64, unb64
from ledger.people.peppered import Cipher

STEP_S: Final = 30
WINDOW: Final = 1
"""How many steps a device's clock may be off."""
DIGITS: Final = 6
SECRET: Final = "totp"  # noqa: S105 - the name of the vault row, not its value
ISSUER: Final = "Trailseal"


def new_secret() -> str:
    """A device's secret of 160 random bits, in base32."""
    return pyotp.random_base32()


def uri(secret: str, account: str, site: str) -> str:
    """The address by which an authenticator takes the secret over."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=f"{ISSUER} {site}")


def picture(address: str) -> str:
    """The address as a QR code: an SVG drawing without a document's head."""
    out = io.BytesIO()
    segno.make(address, error="m").save(
        out, kind="svg", xmldecl=False, svgns=True, scale=4, border=4, dark="#000", light="#fff", omitsize=False
    )
    return out.getvalue().decode()


def step_of(secret: str, code: str, now_us: int) -> int | None:
    """The step that this code is of, among those that are good now; None for any other code."""
    device, now = pyotp.TOTP(secret, digits=DIGITS, interval=STEP_S), now_us // 1_000_000 // STEP_S
    found = None
    for step in range(now - WINDOW, now + WINDOW + 1):
        if pyotp.utils.strings_equal(code, device.generate_otp(step)):
            found = step
    return found


def code_at(secret: str, step: int) -> str:
    """The code of a step."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_S).generate_otp(step)


class DeviceSecrets:
    """Keeps devices' secrets."""

    def __init__(self, pepper: Callable[[], bytes]) -> None:
        self._cipher = Cipher(pepper, "totp")

    def keep(self, account: str, component: str, secret: str) -> Any:
        """What the vault keeps of it, as JSON."""
        return {"sealed": b64(self._cipher.seal(secret.encode(), f"{account}/{component}"))}

    def open(self, account: str, component: str, kept: Any) -> str:
        """The secret; raises IntegrityError where the pepper is another, or the row of somebody else."""
        try:
            return self._cipher.open(unb64(kept["sealed"]), f"{account}/{component}").decode()
        except (InvalidTag, KeyError, TypeError):
            raise IntegrityError(
                f"the secret of component {component!r} cannot be opened with this ledger's pepper",
                advice="Restore keys/pepper.key from its backup; else the person enrols a new device.",
            ) from None
