"""Git itself, run by argument lists on a copy of the source that the collector keeps.

Nothing that stands in the source's repository is run or obeyed: its configuration, hooks, attributes, filters and
programs for differences stay there, as the copy is a bare one of the collector's own. No protocol but the one of the
address is allowed, no redirect is followed, nobody is asked for a password, and a password stands neither in an
argument nor in a file. Objects of the copy are never removed.
"""

import fcntl
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from collectors.facts import facts
from collectors.it.http import is_loopback
from collectors.programs import Ran, run
from ledger.core.errors import ConfigError, FatalSource, RetriableSource
from ledger.core.run import SourceFacts

_LIST_BYTES: Final = 128 * 1024 * 1024
_PROTECTION: Final = ("receive.denyNonFastForwards", "receive.denyDeletes")
_ON: Final = frozenset({"true", "yes", "on", "1"})
_DENIED: Final = (
    "Authentication failed",
    "could not read Username",
    "could not read Password",
    "error: 401",
    "error: 403",
)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a repository is, and how it is reached."""

    url: str
    cache: Path
    refs: tuple[str, ...]
    user: str = ""
    password: str = ""
    ca_file: str = ""
    allowed_signers: str = ""
    gnupg_home: str = ""
    seconds: float = 300.0

    @property
    def local(self) -> Path | None:
        """The folder, where the repository is one of this machine."""
        path = self.url.removeprefix("file://")
        return Path(path) if path.startswith("/") else None


def checked_url(url: str) -> str:
    """The address of a repository; raises ConfigError for one that would not be safe to ask."""
    parts = urlsplit(url)
    if url.startswith("/") or (parts.scheme == "file" and not parts.netloc and parts.path.startswith("/")):
        return url
    if parts.username is not None or parts.password is not None:
        raise ConfigError("the address holds an account", advice="Use the option user and the secret password.")
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))):
        return url
    raise ConfigError(
        f"{url!r} is no address of a repository that can be read",
        advice="Write an absolute path, file:///…, https://…, or http:// to this machine.",
    )


class Git:
    """Runs git for one source."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._folder = place.cache / "repository.git"

    def version(self) -> str:
        return self._run("version").out.decode("utf-8", "replace").strip()

    def remote_refs(self) -> list[str]:
        """What the source has of the refs that are read; raises RetriableSource and FatalSource."""
        self._prepare()
        ran = self._asked("ls-remote", "--", self.place.url, *self.place.refs)
        return [line.partition("\t")[2] for line in ran.out.decode("utf-8", "replace").splitlines()]

    def fetch(self) -> None:
        """Brings the copy to where the source is, all refs or none; raises RetriableSource and FatalSource."""
        self._prepare()
        if not (self._folder / "HEAD").exists():
            self._must("init", "--quiet", "--bare", "--template=", "--", str(self._folder))
        with self._locked():
            self._bring()

    def _bring(self) -> None:
        refspecs = [f"+{ref}:{ref}" for ref in self.place.refs]
        options = ("--quiet", "--prune", "--atomic", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance")
        self._asked(*self._here, "fetch", *options, "--no-recurse-submodules", "--", self.place.url, *refspecs)

    def refs(self) -> dict[str, tuple[str, str]]:
        """Name → object and its type, of the copy."""
        lines = self._must(*self._here, "for-each-ref", "--format=%(objectname) %(objecttype) %(refname)").out
        found = (line.split(" ", 2) for line in lines.decode("utf-8", "backslashreplace").splitlines())
        return {name: (oid, kind) for oid, kind, name in found}

    def present(self, oids: Iterable[str]) -> set[str]:
        """Which of these objects the copy has."""
        given = "".join(f"{oid}\n" for oid in oids).encode()
        lines = self._must(*self._here, "cat-file", "--batch-check", given=given).out.decode().splitlines()
        return {line.split(" ", 1)[0] for line in lines if not line.endswith(" missing")}

    def commits(self, tips: Iterable[str], without: Iterable[str], at_most: int | None = None) -> list[str]:
        """Commits that the tips reach and the others do not, each after its parents."""
        given = "".join([*(f"{tip}\n" for tip in tips), *(f"^{one}\n" for one in without)]).encode()
        limit = () if at_most is None else (f"--max-count={at_most}",)
        order = ("--topo-order", "--reverse")
        return self._must(*self._here, "rev-list", *order, *limit, "--stdin", given=given).out.decode().split()

    def reaches(self, tip: str, commit: str) -> bool:
        """Whether `commit` is in the history of `tip`; false too where the copy has it no longer."""
        return self._run(*self._here, "merge-base", "--is-ancestor", commit, tip).code == 0

    def object(self, kind: str, oid: str, max_bytes: int) -> Ran:
        """The raw bytes of a commit or tag."""
        return self._judged(self._run(*self._here, "cat-file", kind, oid, max_bytes=max_bytes), cut=True)

    def changed(self, parent: str | None, commit: str, max_bytes: int) -> Ran:
        """The files that a commit changed against its parent, in git's raw form, NUL-separated."""
        return self._run(*self._diff("--raw", "-z"), *self._pair(parent, commit), max_bytes=max_bytes)

    def difference(self, parent: str | None, commit: str, max_bytes: int) -> Ran:
        """The textual difference of a commit to its parent."""
        return self._run(*self._diff("-p"), *self._pair(parent, commit), max_bytes=max_bytes)

    def signature(self, kind: str, oid: str) -> list[str]:
        """Of a signed commit: status, signer, key, fingerprint; of a signed tag the same, its status G, U or E."""
        signers = self.place.allowed_signers or "/dev/null"
        ssh = ("-c", f"gpg.ssh.allowedSignersFile={signers}")
        if kind == "tag":
            ran = self._run(*self._here, *ssh, "verify-tag", "--raw", oid)
            return [_tag_status(ran), "", "", ran.error]
        form = "--format=%G?%x00%GS%x00%GK%x00%GF"
        ran = self._run(*self._here, *ssh, "show", "--no-patch", form, oid)
        return (
            ran.out.decode("utf-8", "replace").rstrip("\n").split("\0") if ran.code == 0 else ["E", "", "", ran.error]
        )

    def setting(self, name: str) -> str:
        """A setting of a repository on this machine, read from its file and not obeyed; empty where it is not set."""
        local = self.place.local
        files = (
            [] if local is None else [file for file in (local / "config", local / ".git" / "config") if file.is_file()]
        )
        ran = [self._run("config", "--file", str(file), "--get", name) for file in files]
        return ran[0].out.decode("utf-8", "replace").strip() if ran else ""

    def facts(self) -> SourceFacts | None:
        """The kind of object ids, and, of a repository on this machine, whether its history can be rewritten."""
        names = _PROTECTION if self.place.local is not None else ()
        held = [f"{name} {'on' if self.setting(name).lower() in _ON else 'off'}" for name in names]
        ran = self._run(*self._here, "rev-parse", "--show-object-format")
        known = ran.out.decode("ascii", "replace").strip() if ran.code == 0 else ""
        return facts(schema=f"objects by {known}" if known else None, audit_trail=", ".join(held))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Meanwhile the copy is this collector's alone; what a killed git left locked is free again.

        Raises RetriableSource where another one is at work.
        """
        with (self.place.cache / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RetriableSource(
                    f"{self.place.url}: its copy in {self.place.cache} is in use",
                    advice="Give each source a cache of its own, and let one collector read it.",
                ) from None
            for left in self._folder.rglob("*.lock"):
                left.unlink(missing_ok=True)
            yield

    @property
    def _here(self) -> tuple[str, str]:
        return ("--git-dir", str(self._folder))

    def _diff(self, *form: str) -> tuple[str, ...]:
        plain = ("--full-index", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=none")
        return (*self._here, "diff-tree", "-r", "--no-commit-id", "--root", *plain, *form)

    @staticmethod
    def _pair(parent: str | None, commit: str) -> tuple[str, ...]:
        return (commit,) if parent is None else (parent, commit)

    def _prepare(self) -> None:
        """The copy's folder, and the one setting that git takes only from a file: whose repositories it may read."""
        local = self.place.local
        safe = [] if local is None else [str(local), str(local / ".git"), str(local.resolve())]
        text = "[safe]\n" + "".join(f'\tdirectory = "{_quoted(folder)}"\n' for folder in safe)
        try:
            (self.place.cache / "gnupg").mkdir(parents=True, exist_ok=True, mode=0o700)
            (self.place.cache / "settings").write_text(text, encoding="utf-8")
        except OSError as error:
            raise FatalSource(
                f"{self.place.url}: the folder {self.place.cache} for its copy cannot be written: {error.strerror}",
                advice="Give, as option cache, a folder that the collector's account may write.",
            ) from None

    def _environment(self) -> dict[str, str]:
        place = self.place
        settings = {
            "core.hooksPath": "/dev/null",
            "core.fsmonitor": "false",
            "credential.helper": "",
            "http.followRedirects": "false",
            "http.lowSpeedLimit": "1",
            "http.lowSpeedTime": "60",
            "gc.auto": "0",
            "maintenance.auto": "false",
            "advice.detachedHead": "false",
        }
        if place.ca_file:
            settings["http.sslCAInfo"] = place.ca_file
        if place.password:
            account = b64encode(f"{place.user}:{place.password}".encode()).decode()
            settings[f"http.{place.url}.extraHeader"] = f"Authorization: Basic {account}"
        numbered = {f"GIT_CONFIG_KEY_{at}": name for at, name in enumerate(settings)}
        values = {f"GIT_CONFIG_VALUE_{at}": value for at, value in enumerate(settings.values())}
        return {
            "HOME": str(place.cache),
            "GNUPGHOME": place.gnupg_home or str(place.cache / "gnupg"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(place.cache / "settings"),
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": "file" if place.local is not None else urlsplit(place.url).scheme,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_CONFIG_COUNT": str(len(settings)),
            **numbered,
            **values,
        }

    def _run(self, *arguments: str, given: bytes = b"", max_bytes: int = _LIST_BYTES) -> Ran:
        return run(
            ("git", "--no-pager", *arguments),
            env=self._environment(),
            seconds=self.place.seconds,
            max_bytes=max_bytes,
            given=given,
            place=self.place.url,
        )

    def _must(self, *arguments: str, given: bytes = b"") -> Ran:
        return self._judged(self._run(*arguments, given=given))

    def _judged(self, ran: Ran, cut: bool = False) -> Ran:
        """What the copy gave; raises FatalSource where it is broken, or too large to be read."""
        if (ran.code != 0 and not ran.cut) or (ran.cut and not cut):
            raise FatalSource(
                f"{self.place.url}: its copy in {self.place.cache} cannot be read: {ran.error or 'too much'}",
                advice="Free disk space, if it is full; else remove that folder: the copy is then made anew.",
            )
        return ran

    def _asked(self, *arguments: str) -> Ran:
        """What the source gave."""
        ran = self._run(*arguments)
        if ran.code == 0 and not ran.cut:
            return ran
        place = self.place
        if any(word in ran.error for word in _DENIED):
            raise FatalSource(
                f"{place.url} refuses {place.user or 'the collector'}",
                advice="Check the account, its password or token, and its right to read the repository.",
            )
        raise RetriableSource(
            f"{place.url} cannot be read: {ran.error or 'it has too many refs'}",
            advice="Check address and spelling, that the server runs, and that the collector's account may read there.",
        )


def _tag_status(ran: Ran) -> str:
    """The status of a tag's signature, from what gpg or ssh-keygen say of it."""
    if ran.code == 0:
        return "G"
    if "No principal matched" in ran.error and "Good " in ran.error:
        return "U"
    return "B" if "BADSIG" in ran.error or "Signature verification failed" in ran.error else "E"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
