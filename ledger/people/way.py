"""What every way in works with: the door, codes to begin with, and what people change of their own."""

import msgspec

from ledger.people.attempts import Attempts
from ledger.people.code_mail import CodeMail
from ledger.people.directory import Directory
from ledger.people.passwords import Passwords
from ledger.people.peppered import States
from ledger.people.second import SecondFactors
from ledger.people.sessions import Sessions
from ledger.people.totp import DeviceSecrets
from ledger.store.store import Store


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """The parts that the ways into one ledger share. `origin`: the pages' address, None where there are no passkeys."""

    store: Store
    directory: Directory
    sessions: Sessions
    attempts: Attempts
    passwords: Passwords
    devices: DeviceSecrets
    second: SecondFactors
    states: States
    code_mail: CodeMail
    origin: str | None


class Way:
    """One of the ways in."""

    def __init__(self, means: Means) -> None:
        self._store = means.store
        self._directory = means.directory
        self._sessions = means.sessions
        self._attempts = means.attempts
        self._passwords = means.passwords
        self._devices = means.devices
        self._second = means.second
        self._states = means.states
        self._code_mail = means.code_mail
        self._origin = means.origin
