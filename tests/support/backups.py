"""Real repositories of the tests' own: restic's and borg's, made by the programs themselves."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

PASSWORD = "of-Tests-17"
_SECONDS = 120
_BORG_MANY = """
import json, sys
from borg.archiver import Archiver

for arguments in json.load(sys.stdin):
    archiver = Archiver()
    archiver.prerun_checks = lambda *_: None
    code = archiver.run(archiver.parse_args(arguments))
    if code:
        sys.exit(f"borg {arguments}: {code}")
"""


def _run(command: Sequence[str], env: dict[str, str], given: str = "", expected: int = 0) -> str:
    assert shutil.which(command[0]), f"{command[0]} is not installed (Debian: apt-get install restic borgbackup)"
    ran = subprocess.run(
        command, input=given.encode(), capture_output=True, timeout=_SECONDS, check=False, env={**os.environ, **env}
    )
    assert ran.returncode == expected, (command, ran.returncode, ran.stdout[-500:], ran.stderr[-500:])
    return ran.stdout.decode()


def _plain(comment: str) -> str:
    """The text as borg takes it where it looks for placeholders."""
    return comment.replace("{", "{{").replace("}", "}}")


class ResticRepository:
    """A restic repository in a folder, and the data that are backed up."""

    def __init__(self, folder: Path) -> None:
        self.place, self.data = folder / "repository", folder / "data"
        self.data.mkdir(parents=True)
        (self.data / "batch-7.csv").write_text("time;value\n")
        self._env = {
            "RESTIC_REPOSITORY": str(self.place),
            "RESTIC_PASSWORD": PASSWORD,
            "RESTIC_CACHE_DIR": str(folder / "cache"),
        }
        self.run("init")

    def run(self, *arguments: str, expected: int = 0) -> str:
        return _run(["restic", *arguments], self._env, expected=expected)

    def backup(self, *options: str) -> str:
        """Makes a snapshot; the program's output."""
        with (self.data / "batch-7.csv").open("a") as file:
            file.write("1;2\n")
        return self.run("backup", "--json", *options, str(self.data))


class BorgRepository:
    """A borg repository in a folder, and the data that are backed up."""

    def __init__(self, folder: Path) -> None:
        self.place, self._data = folder / "repository", folder / "data"
        self._data.mkdir(parents=True)
        (self._data / "batch-7.csv").write_text("time;value\n")
        self._env = {"BORG_PASSPHRASE": PASSWORD, "BORG_BASE_DIR": str(folder / "base")}
        self._number = 0
        self.run("init", "--encryption=repokey", str(self.place))

    def run(self, *arguments: str, expected: int = 0) -> str:
        return _run(["borg", *arguments], self._env, expected=expected)

    def backup(self, comments: Sequence[str]) -> list[str]:
        """Makes an archive for each comment; their names. One borg makes all, as starting one takes half a second."""
        names = [f"a{self._number + at}" for at in range(1, len(comments) + 1)]
        self._number += len(comments)
        made = [
            ["create", f"--comment={_plain(comment)}", f"{self.place}::{name}", str(self._data)]
            for name, comment in zip(names, comments, strict=True)
        ]
        _run(["/usr/bin/python3", "-c", _BORG_MANY], self._env, given=json.dumps(made))
        return names
