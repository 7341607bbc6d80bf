"""Plants a challenge in a folder: one small file, as an instrument would leave it."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from collectors.base import Option
from collectors.challenge import Planter, check_template, fill
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import ConfigError, FatalSource, RetriableSource


class FolderPlanter(Planter):
    """See the module. The file comes by a rename, so that nobody sees half of it; with a fixed name it is replaced."""

    type = "folder"
    title = "leaves a test file in a folder"
    options = (
        Option(name="path", meaning="the folder", required=True),
        Option(name="name", meaning="the file's name; may hold {new}", default="challenge-{new}.txt"),
        Option(name="text", meaning="what stands in it, with {new} (and {old}, {now})", required=True),
    )

    def __init__(
        self, challenge: str, options: Mapping[str, str], secrets: Mapping[str, str], clock: WallClock
    ) -> None:
        super().__init__(challenge, options, secrets, clock)
        check_template(challenge, "text", self.option("text"))
        self._folder = Path(self.option("path"))
        name = self.option("name")
        if not self._folder.is_absolute() or "/" in name or name.startswith("."):
            raise ConfigError(
                f"challenge {challenge!r}: {self._folder}/{name} is no plain file of a folder",
                advice="Name the folder by its whole path, and a file in it.",
            )

    def read(self) -> str | None:
        """None: what a file says is its format's; that the folder is there and can be written is what is tried."""
        require_folder(self._folder)
        return None

    def plant(self, old: str | None, new: str) -> None:
        require_folder(self._folder)
        now = utc_text(self.clock.now_us())
        name = fill(self.option("name"), old, new, now)
        if "/" in name:
            raise FatalSource(f"{name!r} is no file's name", advice="Take values without slashes.")
        target = self._folder / name
        if "{new}" in self.option("name") and target.exists():
            raise FatalSource(f"{target} is there already", advice="Take values that were not used before.")
        put_file(target, fill(self.option("text"), old, new, now))


def require_folder(folder: Path) -> None:
    """Raises RetriableSource where the folder is not there, FatalSource where nothing may be written to it."""
    if not folder.is_dir():
        raise RetriableSource(f"the folder {folder} is not there", advice="Mount it, or correct the path.")
    if not os.access(folder, os.W_OK):
        raise FatalSource(f"this process may not write to {folder}", advice="Give it the right to write there.")


def put_file(target: Path, text: str) -> None:
    """Makes or replaces a file in one step; raises FatalSource, the file untouched."""
    part = target.with_name(f".{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        with part.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise FatalSource(
            f"no file can be written to {target.parent}: {error.strerror or error}",
            advice="Give this process the right to write there, and space.",
        ) from None
