"""Real trackers of the tests, Trac and Roundup, worked on by programs of their own in an environment of their own.

They are other projects with libraries of other ages, so they are not installed beside Trailseal.
"""

import json
import subprocess
from pathlib import Path

PYTHON = Path(__file__).parents[2] / ".venv" / "trackers" / "bin" / "python"
_SECONDS = 60
_TRAC = """
import json, sys
from trac.env import Environment
from trac.ticket.model import Ticket

home, made = sys.argv[1], json.loads(sys.argv[2])
env = Environment(home, create=made["create"])
for step in made["steps"]:
    ticket = Ticket(env, step.get("ticket"))
    for field, value in step.get("set", {}).items():
        ticket[field] = value
    if "ticket" not in step:
        ticket.insert()
    elif "edit" in step:
        change = ticket.get_change(cnum=step["edit"])
        ticket.modify_comment(change["date"], step["who"], step["comment"])
    else:
        ticket.save_changes(step["who"], step.get("comment", ""))
env.shutdown()
"""
_ROUNDUP = """
import json, os, sys
from roundup import init, instance, password
from roundup.configuration import CoreConfig

home, made = sys.argv[1], json.loads(sys.argv[2])
if made["create"]:
    init.copytree(os.path.join(sys.prefix, "share", "roundup", "templates", "classic"), home)
    config = CoreConfig()
    settings = {"TRACKER_WEB": "http://127.0.0.1/", "MAIL_DOMAIN": "plant.example", "MAIL_HOST": "127.0.0.1"}
    for name, value in {**settings, "RDBMS_BACKEND": "sqlite", "MAIL_DEBUG": os.devnull}.items():
        config[name] = value
    config.save(os.path.join(home, "config.ini"))
    tracker = instance.open(home)
    tracker.init(password.Password("of-Tests-1", config=tracker.config))
tracker = instance.open(home)
for step in made["steps"]:
    db = tracker.open(step["who"])
    items = db.getclass(step["class"])
    if step["do"] == "create":
        items.create(**step["set"])
    elif step["do"] == "set":
        items.set(step["id"], **step["set"])
    else:
        items.retire(step["id"])
    db.commit()
    db.close()
"""


class TrackersUnavailable(RuntimeError):
    """The trackers' environment is not there, or a program in it failed; the message has its output."""


class Tracker:
    """One tracker in a folder; `work` does what is said in `steps`, as Trac or Roundup themselves do it."""

    def __init__(self, name: str, home: Path) -> None:
        self.database = home / "db" / {"trac": "trac.db", "roundup": "db"}[name]
        self._script = {"trac": _TRAC, "roundup": _ROUNDUP}[name]
        self._home = home

    def work(self, *steps: dict[str, object]) -> None:
        """Makes the tracker first, where there is none yet."""
        if not PYTHON.exists():
            raise TrackersUnavailable(f"no {PYTHON}: python -m venv it, and install trac, roundup and setuptools<81")
        made = json.dumps({"create": not self.database.exists(), "steps": steps})
        ran = subprocess.run(
            [str(PYTHON), "-W", "ignore", "-c", self._script, str(self._home), made],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if ran.returncode != 0:
            raise TrackersUnavailable(f"{self._home}: {ran.stdout}{ran.stderr}")
