"""An event of the Linux audit log: the lines that belong to it, and what they say.

A line is `type=… msg=audit(TIME:SERIAL): name=value …`; lines with the same time and serial are one event, and those of
events that happen at once may stand between each other. Untrusted values are hexadecimal where they hold anything
but plain characters; auditd in the format ENRICHED adds names after a separator.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Final

from collectors.facts import facts
from collectors.infra.splitting import BEHIND, Piece, Rules, Splitter
from collectors.mapping.expression import Item
from ledger.core.errors import SkippableRecord
from ledger.core.run import SourceFacts

_LINE: Final = re.compile(
    r"(?:node=(?P<node>\S+) )?type=(?P<type>\S+) "
    r"msg=audit\((?P<time>[0-9]{1,12}\.[0-9]{3}):(?P<serial>[0-9]{1,20})\): ?"
)
_STAMP: Final = re.compile(rb"(?:node=\S+ )?type=(\S+) msg=audit\(([0-9]{1,12})\.([0-9]{3}):([0-9]{1,20})\)")
_PAIR: Final = re.compile(r"""([A-Za-z0-9_-]+)=("[^"]*"|'[^']*'|\{[^}]*\}|\S*)""")
_HEX: Final = re.compile(r"(?:[0-9A-F]{2})+")
_ENCODED: Final = frozenset(
    ("name", "cwd", "comm", "exe", "proctitle", "cmd", "acct", "data", "key", "path", "text", "vm", "old-disk",
     "new-disk", "file", "dir", "grp", "unit")
)  # fmt: skip
_ENRICHED: Final = "\x1d"
_ENDS: Final = (b"PROCTITLE", b"EOE")
_ALONE: Final = re.compile(
    rb"USER|CRED_|ADD_|DEL_|GRP_|ROLE_|DAEMON_|SERVICE_|SYSTEM_|CRYPTO_|RESP_|LABEL_|VIRT_|USYS_|DEV_|CHUSER|CHGRP|ACCT_"
)
"""Types that are an event by themselves: messages of programs (1100 to 1199 and from 2100 on)."""
_STARTED: Final = re.compile(rb"(?:^|\n)(?:node=\S+ )?type=DAEMON_START .*? ver=(\S+) .*?kernel=(\S+)")
_SWITCHED: Final = re.compile(rb"(?:^|\n)(?:node=\S+ )?type=CONFIG_CHANGE .*?\baudit_enabled=([0-9])")
_SETTLED_MS: Final = 2000
"""An event gets no more lines once one that is so much later was written (auditd's end_of_event_timeout)."""
_MAX_HELD: Final = 1024 * 1024
_UNSET: Final = frozenset(("4294967295", "-1", "unset", "(null)", "?", ""))
_ABOUT_THEMSELVES: Final = re.compile(r"USER_(LOGIN|LOGOUT|AUTH|ACCT|START|END|ERR)$|CRED_")
"""Messages about the account that signs in or out, in contrast to one that somebody manages."""
_TIME_CALLS: Final = frozenset(("adjtimex", "settimeofday", "clock_settime", "clock_adjtime", "stime"))
_RIGHTS_CALLS: Final = re.compile(r"(f|l)?(chmod|chown|setxattr|removexattr)(at2?)?")


def told_by_event(data: bytes) -> SourceFacts | None:
    """What an event says of auditd itself: its version and the kernel's, or whether auditing is on."""
    started, switched = _STARTED.search(data), _SWITCHED.search(data)
    return facts(
        version=None if started is None else f"auditd {started[1].decode()}, kernel {started[2].decode()}",
        audit_trail=None if switched is None else f"audit_enabled {switched[1].decode()}",
    )


class EventSplitter(Splitter):
    """Gives an event a piece: its lines, in their order, with line breaks between them.

    The place moves over whole events only, and over several that are mixed at once.
    """

    def __init__(self, rules: Rules, offset: int = 0, long: bool = False, behind: bytes = b"") -> None:
        super().__init__(rules, offset, long, behind)
        self._lines = Splitter(rules, offset, long, behind)
        self._raw = bytearray()
        self._held: dict[bytes, list[Piece]] = {}
        self._open: dict[bytes, int] = {}

    @property
    def waiting(self) -> int:
        return len(self._raw)

    def feed(self, data: bytes) -> Iterator[Piece]:
        self._raw += data
        for line in self._lines.feed(data):
            yield from self._collect(line)

    def finish(self) -> Iterator[Piece]:
        for line in self._lines.finish():
            yield from self._collect(line)
        yield from self._release(self._lines.offset)

    def _collect(self, line: Piece) -> Iterator[Piece]:
        found = None if line.problem else _STAMP.match(line.data)
        if found is None:
            yield from self._release(line.offset)
            self._move(line.end)
            self.long = self._lines.long
            yield line
            return
        stamp, at = b".".join(found.group(2, 3, 4)), int(found[2] + found[3])
        for other, begun in list(self._open.items()):
            if at - begun > _SETTLED_MS:
                del self._open[other]
        if not self._open:
            yield from self._release(line.offset) if stamp not in self._held else ()
        self._held.setdefault(stamp, []).append(line)
        if found[1] in _ENDS or _ALONE.match(found[1]) is not None:
            self._open.pop(stamp, None)
        elif len(self._held[stamp]) == 1:
            self._open[stamp] = at
        if not self._open or len(self._raw) > _MAX_HELD:
            yield from self._release(line.end)

    def _release(self, end: int) -> Iterator[Piece]:
        """All events that are held; the place is behind them with the last one, and before where they are mixed."""
        events = sorted(self._held.values(), key=lambda lines: lines[0].offset)
        self._held, self._open = {}, {}
        for number, lines in enumerate(events):
            rest = min((other[0].offset for other in events[number + 1 :]), default=end)
            if lines[-1].end <= rest:
                self._move(rest)
            yield Piece(lines[0].offset, lines[-1].end, b"\n".join(line.data for line in lines))
        self._move(end)

    def _move(self, offset: int) -> None:
        count = offset - self.offset
        if count <= 0:
            return
        self.behind = (self.behind + bytes(self._raw[:count]))[-BEHIND:]
        del self._raw[:count]
        self.offset = offset


def event_item(text: str, file: Mapping[str, object]) -> Item:
    """What a mapping sees of an event; raises SkippableRecord for what is none.

    `id` and `serial`, `time` (seconds since 1970), `node`; `event`, its kind in a word (see `_event`); `account`, who
    signed in to begin with, else as whom the process ran, which is `user`; `about`, the account that a message is
    about; `object`; `command`; `key`, the rule's; `address`, `terminal`, `session`; `result`; `paths`, a list of `name`
    and `how`; `records`, all lines with their fields; `first`, the fields of the first.
    """
    records = [_read_line(line) for line in text.split("\n") if line.strip()]
    if not records or len({(record["time"], record["serial"]) for record in records}) != 1:
        raise SkippableRecord("not the lines of one audit event")
    first = records[0]
    call = next((record for record in records if record["type"] == "SYSCALL"), None)
    main = call if call is not None and not str(first["type"]).startswith(("USER", "LOGIN")) else first
    folder = next((str(record["cwd"]) for record in records if record["type"] == "CWD" and record.get("cwd")), "")
    paths = [
        {"name": _whole(folder, record.get("name")), "how": str(record.get("nametype", "")).lower()}
        for record in records
        if record["type"] == "PATH" and record.get("nametype") != "PARENT"
    ]
    title = next((record.get("proctitle") for record in records if record["type"] == "PROCTITLE"), None)
    about = _known(first.get("acct")) or _known(first.get("ID")) or _known(first.get("id"))
    account = _known(main.get("AUID")) or _known(main.get("auid"))
    user = _known(main.get("EUID")) or _known(main.get("UID")) or _known(main.get("uid"))
    if about and _ABOUT_THEMSELVES.match(str(first["type"])):
        account = about
    failed = first.get("res") in {"failed", "0"} or main.get("success") == "no"
    return {
        "id": f"{first['time']}:{first['serial']}",
        "serial": first["serial"],
        "time": first["time"],
        "node": first.get("node"),
        "event": _event(records, main, paths) + ("-failed" if failed else ""),
        "account": account or user,
        "about": about,
        "user": user,
        "object": _known(paths[-1]["name"] if paths else None) or about or _known(main.get("exe")),
        "command": _known(title) or _known(main.get("cmd")) or _known(main.get("exe")),
        "key": _known(main.get("key")),
        "address": _known(main.get("addr")) or _known(main.get("hostname")),
        "terminal": _known(main.get("terminal")) or _known(main.get("tty")),
        "session": _known(main.get("ses")),
        "result": "failed" if failed else "success",
        "paths": paths,
        "first": first,
        "records": records,
        "text": text,
        "file": dict(file),
    }


def _event(records: list[dict[str, object]], main: Mapping[str, object], paths: list[dict[str, object]]) -> str:
    """The type of the first record; for a system call `TIME`, `RIGHTS`, `EXECUTE`, `RENAME`, `CREATE`, `DELETE`,
    `WRITE` (a file that was there) or `SYSCALL`.
    """
    kind = str(records[0]["type"])
    if main["type"] != "SYSCALL" or kind not in {"SYSCALL", "PATH", "CWD"}:
        return kind
    call = str(main.get("SYSCALL") or "")
    types = {str(record["type"]) for record in records}
    if call in _TIME_CALLS or any(one.startswith("TIME_") for one in types):
        return "TIME"
    if _RIGHTS_CALLS.fullmatch(call):
        return "RIGHTS"
    if call.startswith("execve") or "EXECVE" in types:
        return "EXECUTE"
    how = {path["how"] for path in paths}
    if {"create", "delete"} <= how:
        return "RENAME"
    if how & {"create", "delete"}:
        return "CREATE" if "create" in how else "DELETE"
    return "WRITE" if "normal" in how else "SYSCALL"


def _read_line(line: str) -> dict[str, object]:
    head = _LINE.match(line)
    if head is None:
        raise SkippableRecord("a line of the audit log begins with type=… msg=audit(…)")
    found: dict[str, object] = {name: value for name, value in head.groupdict().items() if value is not None}
    rest, _, names = line[head.end() :].partition(_ENRICHED)
    for name, value in _PAIR.findall(rest):
        if name == "msg" and value.startswith("'"):
            for inner, part in _words(value[1:-1]):
                found.setdefault(inner, _value(inner, part))
        else:
            found.setdefault(name, _value(name, value))
    for name, value in _PAIR.findall(names):
        found.setdefault(name, _value("", value))
    return found


def _words(text: str) -> Iterator[tuple[str, str]]:
    """The pairs of a program's message; a value without quotes may have spaces, up to the next name."""
    marks = list(re.finditer(r"(?:^| )([A-Za-z0-9_-]+)=", text))
    for number, mark in enumerate(marks):
        end = marks[number + 1].start() if number + 1 < len(marks) else len(text)
        yield mark[1], text[mark.end() : end]


def _value(name: str, value: str) -> object:
    if value == "(null)":
        return None
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    if name in _ENCODED and len(value) > 1 and _HEX.fullmatch(value):
        decoded = bytes.fromhex(value).decode("utf-8", "replace")
        return decoded.replace("\x00", " ").rstrip() if name == "proctitle" else decoded
    return value


def _whole(folder: str, name: object) -> object:
    """A path from the root on, where the event says in which folder the process was."""
    return posixpath.join(folder, name) if isinstance(name, str) and folder.startswith("/") else name


def _known(value: object) -> str | None:
    return None if value is None or str(value) in _UNSET else str(value)
