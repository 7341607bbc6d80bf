"""All that has to do with getting in, assembled: the door, codes to begin with, resets, and what people change."""

from collections.abc import Callable

from ledger.people.alerts import Alerts
from ledger.people.attempts import Attempts
from ledger.people.code_mail import CodeMail
from ledger.people.door import Doorkeeper
from ledger.people.enrolment import Enrolment
from ledger.people.own import Own
from ledger.people.passwords import Effort, Passwords
from ledger.people.people import People
from ledger.people.peppered import States
from ledger.people.resets import Resets
from ledger.people.second import SecondFactors
from ledger.people.totp import DeviceSecrets
from ledger.people.way import Means
from ledger.store.store import Store


class Entrance:
    """The ways into one ledger. Safe to use from any number of threads.

    `pepper` gives the key provider's secret, `mail_password` what the mail server is shown; `origin`: the address of
    the pages, None where there are no passkeys.
    """

    def __init__(
        self,
        store: Store,
        people: People,
        pepper: Callable[[], bytes],
        mail_password: Callable[[], str | None],
        origin: str | None,
        effort: Effort,
    ) -> None:
        self.effort = effort
        self.alerts = Alerts(store)
        self.attempts = Attempts(store, people.security, self.alerts)
        self.passwords = Passwords(effort)
        self.states = States(store.clock, pepper)
        self.devices = DeviceSecrets(pepper)
        self.second = SecondFactors(store, self.devices, origin)
        means = Means(
            store=store,
            directory=people.directory,
            sessions=people.sessions,
            attempts=self.attempts,
            passwords=self.passwords,
            devices=self.devices,
            second=self.second,
            states=self.states,
            code_mail=CodeMail(store, mail_password),
            origin=origin,
        )
        self.door = Doorkeeper(means)
        self.enrolment = Enrolment(means)
        self.resets = Resets(store, people.directory, people.sessions, self.enrolment)
        self.own = Own(means, self.resets)
