"""restic and borg, run on a repository to read it: no lock is taken, nothing is written there.

One exception is borg's check: it notes in the repository's `config` how far it came, and reserves nonces.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final

import msgspec

from collectors.mapping.collector import json_item
from collectors.programs import Ran, run
from collectors.verbatim import items, members
from ledger.core.errors import FatalSource, RetriableSource, SkippableRecord

_LIST_BYTES: Final = 64 * 1024 * 1024
_OUTPUT: Final = 16_384
_REFUSED: Final = ("wrong password", "passphrase supplied", "no key found", "PassphraseWrong", "PasscommandFailure")


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """Where a repository is; `cache` is the folder in which its program may keep what it needs for itself."""

    place: str
    cache: Path
    password: str = ""
    seconds: float = 300.0
    check_seconds: float = 3600.0


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """How a check ended (`code` is None where it took too long), its output, and what the repository holds (JSON)."""

    code: int | None
    output: str
    statistics: str = ""


class Program(ABC):
    """One of the two, for one repository."""

    name: str

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    @abstractmethod
    def version(self) -> str: ...

    @abstractmethod
    def snapshots(self) -> dict[str, str]:
        """Id → the program's JSON of the snapshot, byte for byte, in its own order.

        Raises RetriableSource, FatalSource where the password is refused.
        """

    @abstractmethod
    def checked(self) -> Checked:
        """Checks the repository's structure; raises only where the program is not there."""

    @abstractmethod
    def _environment(self) -> dict[str, str]: ...

    def _run(self, *arguments: str, seconds: float | None = None, max_bytes: int = _LIST_BYTES) -> Ran:
        return run(
            (self.name, *arguments),
            env={"HOME": str(self._repository.cache), "TZ": "UTC", **self._environment()},
            seconds=seconds or self._repository.seconds,
            max_bytes=max_bytes,
            place=self._repository.place,
        )

    def _asked(self, *arguments: str) -> str:
        """What the program prints."""
        try:
            self._repository.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise FatalSource(
                f"{self._repository.place}: {self._repository.cache} cannot be made: {error.strerror}",
                advice="Give, as option cache, a folder that the collector's account may write.",
            ) from None
        ran = self._run(*arguments)
        place = self._repository.place
        if any(word in ran.error for word in _REFUSED):
            raise FatalSource(
                f"{place} refuses the collector's password", advice="Correct the source's secret `password`."
            )
        if ran.code != 0 or ran.cut:
            raise RetriableSource(
                f"{place} cannot be read by {self.name}: {ran.error or 'it has too many snapshots'}",
                advice="Check that it is there (mounted, spelled so) and that the collector's account may read it.",
            )
        return ran.out.decode("utf-8", "replace")

    def _check(self, *arguments: str, statistics: tuple[str, ...]) -> Checked:
        try:
            ran = self._run(*arguments, seconds=self._repository.check_seconds, max_bytes=_OUTPUT)
        except RetriableSource as error:
            return Checked(code=None, output=error.message)
        output = ran.out.decode("utf-8", "replace") + ran.error
        if ran.code != 0:  # a damaged repository would be asked for its size for minutes
            return Checked(code=ran.code, output=output)
        try:
            held = self._asked(*statistics).strip()
            json_item(held.encode())
        except (RetriableSource, FatalSource, SkippableRecord):
            held = ""
        return Checked(code=ran.code, output=output, statistics=held)


class Restic(Program):
    """restic 0.14 and later."""

    name = "restic"

    def version(self) -> str:
        return self._run("version").out.decode("utf-8", "replace").strip()

    def snapshots(self) -> dict[str, str]:
        return _by_id(self._asked("snapshots", "--json", "--no-lock"), self._repository.place)

    def checked(self) -> Checked:
        return self._check("check", "--no-lock", statistics=("stats", "--json", "--no-lock", "--mode", "raw-data"))

    def _environment(self) -> dict[str, str]:
        repository = self._repository
        return {
            "RESTIC_REPOSITORY": repository.place,
            "RESTIC_PASSWORD": repository.password,
            "RESTIC_CACHE_DIR": str(repository.cache / "restic"),
            "RESTIC_PROGRESS_FPS": "0.01",
        }


class Borg(Program):
    """borg 1.2 and later of 1.x. It writes times in UTC, as it is told to."""

    name = "borg"

    def version(self) -> str:
        return self._run("--version").out.decode("utf-8", "replace").strip()

    def snapshots(self) -> dict[str, str]:
        listing = self._asked("list", "--json", "--bypass-lock", "--format", _BORG_FORM, self._repository.place)
        try:
            archives = members(listing)["archives"]
        except (ValueError, KeyError, RecursionError):
            raise RetriableSource(f"{self._repository.place}: borg's list is not JSON", advice=_VERSION) from None
        return _by_id(archives, self._repository.place)

    def checked(self) -> Checked:
        place = self._repository.place
        return self._check("check", "--bypass-lock", place, statistics=("info", "--json", "--bypass-lock", place))

    def _environment(self) -> dict[str, str]:
        return {
            "BORG_PASSPHRASE": self._repository.password,
            "BORG_BASE_DIR": str(self._repository.cache / "borg"),
            "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
            "BORG_RELOCATED_REPO_ACCESS_IS_OK": "no",
        }


_BORG_FORM: Final = "{comment}{start}{end}{username}{hostname}{command_line}{id}"
_VERSION: Final = "Check the program's version: restic 0.14 or later, borg 1.2 or a later 1.x."
PROGRAMS: Final[dict[str, type[Program]]] = {"restic": Restic, "borg": Borg}


def _by_id(text: str, place: str) -> dict[str, str]:
    try:
        found = {}
        for one in items(text):
            identity = json_item(one.encode()).get("id")
            if not isinstance(identity, str) or not identity:
                raise ValueError("a snapshot without id")
            found[identity] = one
    except (ValueError, RecursionError, SkippableRecord) as error:
        raise RetriableSource(f"{place}: the list of snapshots cannot be read: {error}", advice=_VERSION) from None
    return found
