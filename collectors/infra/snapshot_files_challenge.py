"""Plants a challenge in a folder that is looked at and compared: changes the text of one test file of its own.

- It is never a real file: its name begins with `trailseal-`, and only a plain file is replaced. `{new}` stands in its
  text alone: the file stays the same object, so that looks tell old and new.
- The new file takes the old one's place in one step. A look in the very moment before may tell a file of the same name
  with a dot before it and `.part` behind: exclude `.trailseal-*` where that disturbs.
"""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from collectors.base import Option
from collectors.challenge import Planter, check_template, fill
from collectors.infra.folder_challenge import put_file, require_folder
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import ConfigError, FatalSource

_OWN: Final = "trailseal-"
_LONGEST: Final = 4096


class FilePlanter(Planter):
    """See the module."""

    type = "snapshot-files"
    title = "changes a test file of its own in a folder"
    options = (
        Option(name="folder", meaning="the folder of the test file", required=True),
        Option(name="name", meaning=f"the test file; its name begins with {_OWN}", default=f"{_OWN}challenge.txt"),
        Option(name="text", meaning="what stands in it, with {new} (and {old}, {now})", default="{new}"),
    )

    def __init__(
        self, challenge: str, options: Mapping[str, str], secrets: Mapping[str, str], clock: WallClock
    ) -> None:
        super().__init__(challenge, options, secrets, clock)
        check_template(challenge, "text", self.option("text"))
        self._folder, self._name = Path(self.option("folder")), self.option("name")
        if not self._folder.is_absolute() or "/" in self._name or not self._name.startswith(_OWN):
            raise ConfigError(
                f"challenge {challenge!r}: {self._folder}/{self._name} is no test file",
                advice=f"Name the folder by its whole path, and a file in it that begins with {_OWN}.",
            )

    def read(self) -> str | None:
        """The value in the file; None where there is no file yet, or its text is not of this challenge's form."""
        text = self._present()
        if text is None:
            return None
        parts = (re.escape(part) for part in re.split(r"\{(?:old|now)\}", self.option("text")))
        form = ".*?".join(parts).replace(re.escape("{new}"), "(?P<new>.*?)", 1).replace(re.escape("{new}"), "(?P=new)")
        found = re.fullmatch(form, text, re.DOTALL)
        return found["new"] if found and found["new"] else None

    def plant(self, old: str | None, new: str) -> None:
        self._present()
        put_file(self._folder / self._name, fill(self.option("text"), old, new, utc_text(self.clock.now_us())))

    def _present(self) -> str | None:
        """The test file's text; None where it is not there. Raises FatalSource for what is no file of this planter."""
        require_folder(self._folder)
        path = self._folder / self._name
        try:
            seen = path.lstat()
            if not stat.S_ISREG(seen.st_mode) or seen.st_size > _LONGEST:
                raise FatalSource(f"{path} is no small plain file", advice="Name another test file.")
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, encoding="utf-8", newline="") as file:
                return file.read(_LONGEST)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise FatalSource(
                f"{path} cannot be read: {error}", advice="Give this process the right, or remove it."
            ) from None
