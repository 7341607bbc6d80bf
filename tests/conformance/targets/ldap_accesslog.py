"""slapd with the accesslog overlay; an administrator describes an account."""

import contextlib
from collections.abc import Iterator, Sequence

import ldap3
import pytest

from collectors.mapping.templates import template
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import Target
from tests.support.slapd import READER, Slapd
from tests.support.tested import Tested


class LdapAccesslogTarget(Target):
    tried = (
        Tested(
            system=SystemClass.DIRECTORY,
            source="OpenLDAP (accesslog overlay)",
            type="ldap-accesslog",
            against="slapd 2.5",
            holds="changes with old and new values, sign-ins, refused sign-ins",
        ),
    )
    own_account = READER
    no_other_facts = ""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._server = Slapd(factory.mktemp("ldap"))
        self.secrets = {"password": self._server.password}
        options = {"url": self.through_cable(self._server.url), "user": READER}
        mapping = template("openldap-accesslog").text
        self.config = SourceConfig(
            id="directory", type="ldap-accesslog", title="Directory", options=options, mapping=mapping
        )
        self._person = ""

    def start(self) -> None:
        self._server.start()
        self._person = self._person or self._server.add_person("op1")

    def stop(self) -> None:
        self._server.stop()

    def work(self, texts: Sequence[str]) -> None:
        with self._server.admin() as connection:
            for text in texts:
                change = {"description": [(ldap3.MODIFY_REPLACE, [text.encode()])]}
                done = connection.modify(self._person, change)  # type: ignore[no-untyped-call]
                assert done, connection.result

    @contextlib.contextmanager
    def other_facts(self) -> Iterator[str]:
        with self._server.admin() as connection:
            self._log_also(connection, ldap3.MODIFY_ADD)
            yield "audit_trail"
            self._log_also(connection, ldap3.MODIFY_DELETE)

    def _log_also(self, connection: ldap3.Connection, change: str) -> None:
        """Reads are logged too from now on, or no longer."""
        connection.search("cn=config", "(objectClass=olcAccessLogConfig)")
        found = list(connection.response or ())
        done = connection.modify(found[0]["dn"], {"olcAccessLogOps": [(change, ["compare"])]})  # type: ignore[no-untyped-call]
        assert done, connection.result


def make(factory: pytest.TempPathFactory) -> Target:
    return LdapAccesslogTarget(factory)
