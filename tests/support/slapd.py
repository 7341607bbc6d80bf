"""A real slapd of the tests' own, with the accesslog overlay, on a port of the loopback address."""

import shutil
from contextlib import suppress
from pathlib import Path

import ldap3
from ldap3.core.exceptions import LDAPException

from collectors.demo.process import ServerProcess, free_port, new_secret

PROGRAM = "/usr/sbin/slapd"
BASE = "dc=plant,dc=example"
ADMIN = f"cn=admin,{BASE}"
READER = f"cn=collector,{BASE}"
_CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload accesslog
moduleload back_monitor
{global_settings}
database config
access to * by dn.exact="{admin}" manage by dn.exact="{reader}" read by * none
database monitor
access to * by dn.exact="{reader}" read by dn.exact="{admin}" read by * none
database mdb
suffix "cn=accesslog"
rootdn "{admin}"
directory {folder}/log
index reqStart eq
index objectClass eq
access to * by dn.exact="{reader}" read by * none
database mdb
suffix "{base}"
rootdn "{admin}"
rootpw {password}
directory {folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by * read
overlay accesslog
logdb cn=accesslog
logops writes session
logsuccess FALSE
{old_values}
"""


class Slapd:
    """Runs slapd in a folder; data and port stay over stop and start."""

    def __init__(self, folder: Path, *, old_values: bool = True, global_settings: str = "") -> None:
        assert shutil.which(PROGRAM), "slapd is not installed (Debian: apt-get install slapd)"
        self.port = free_port()
        self.url = f"ldap://127.0.0.1:{self.port}"
        self.admin_password, self.password = new_secret(), new_secret()
        self._folder = folder
        for name in ("log", "data"):
            (folder / name).mkdir()
        conf = _CONF.format(
            folder=folder,
            base=BASE,
            admin=ADMIN,
            reader=READER,
            password=self.admin_password,
            old_values="logold (objectclass=*)" if old_values else "",
            global_settings=global_settings,
        )
        (folder / "slapd.conf").write_text(conf)
        self._process: ServerProcess | None = None
        self._made = False

    def start(self) -> None:
        command = (PROGRAM, "-f", str(self._folder / "slapd.conf"), "-h", self.url, "-d", "0")
        self._process = ServerProcess("slapd", command, self._folder / "slapd.log", {})
        self._process.wait_ready(self._answers, 30)
        if not self._made:
            self._made = True
            with self.admin() as connection:
                connection.add(BASE, ["dcObject", "organization"], {"o": "plant", "dc": "plant"})  # type: ignore[no-untyped-call]
                self.add_person("collector", self.password)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    def admin(self) -> ldap3.Connection:
        return self.connect(ADMIN, self.admin_password)

    def connect(self, user: str, password: str) -> ldap3.Connection:
        server = ldap3.Server(self.url, get_info=ldap3.NONE, connect_timeout=10)
        connection = ldap3.Connection(server, user, password, receive_timeout=10)
        connection.bind()
        return connection

    def add_person(self, name: str, password: str = "", **attributes: str) -> str:
        """The DN of a new entry."""
        given = {"cn": name, "sn": name, **attributes} | ({"userPassword": password} if password else {})
        with self.admin() as connection:
            added = connection.add(f"cn={name},{BASE}", "inetOrgPerson", given)  # type: ignore[no-untyped-call]
            assert added, connection.result
        return f"cn={name},{BASE}"

    def _answers(self) -> bool:
        with suppress(LDAPException, OSError):
            return bool(ldap3.Connection(ldap3.Server(self.url, get_info=ldap3.NONE, connect_timeout=2)).bind())
        return False
