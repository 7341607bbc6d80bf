"""Redmine as Debian packages it, a real server on SQLite, and somebody who works in it by its API."""

import json
import shutil
from pathlib import Path
from typing import Any

import httpx

from collectors.demo.process import NO_TLS, ServerProcess, free_port

_PACKAGED = Path("/var/lib/dbconfig-common/sqlite3/redmine/instances/default/redmine_default")
"""The database that installing the package made: all tables, and Redmine's own default roles, trackers and states."""
_READY_SECONDS = 60.0


class RedmineServer:
    """One server with its folder; `start` and `stop` any number of times."""

    def __init__(self, folder: Path) -> None:
        if not _PACKAGED.is_file():
            raise AssertionError(
                "Redmine is not installed: apt-get install --no-install-recommends redmine redmine-sqlite ruby-webrick"
            )
        self._folder = folder
        self._port = free_port()
        self._process: ServerProcess | None = None
        self.url = f"http://127.0.0.1:{self._port}"
        self.keys: dict[str, str] = {}
        """Login → API key, once started."""
        database = folder / "redmine.db"
        shutil.copyfile(_PACKAGED, database)
        (folder / "tmp").mkdir()
        (folder / "database.yml").write_text(
            f"production:\n  adapter: sqlite3\n  database: {database}\n  timeout: 5000\n", encoding="utf-8"
        )

    def start(self) -> None:
        script = Path(__file__).with_name("serve.rb")
        command = ["ruby", str(script), str(self._folder), str(self._port)]
        self._process = ServerProcess("Redmine", command, self._folder / "server.log", {})
        self._process.wait_ready(self._answers, _READY_SECONDS)
        self.keys = json.loads((self._folder / "keys.json").read_text(encoding="utf-8"))

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/issues.json", trust_env=False, timeout=5, verify=NO_TLS).is_success
        except httpx.HTTPError:
            return False


class Engineer:
    """Somebody who opens and changes issues."""

    def __init__(self, server: RedmineServer) -> None:
        key = {"X-Redmine-API-Key": server.keys["engineer"]}
        self._http = httpx.Client(base_url=server.url, headers=key, trust_env=False, timeout=30, verify=NO_TLS)

    def open(self, subject: str, **fields: object) -> int:
        """The number of a new issue."""
        answer = self._ask("POST", "/issues.json", {"issue": {"project_id": "line1", "subject": subject, **fields}})
        number: int = answer.json()["issue"]["id"]
        return number

    def change(self, number: int, **fields: object) -> None:
        self._ask("PUT", f"/issues/{number}.json", {"issue": fields})

    def delete(self, number: int) -> None:
        self._ask("DELETE", f"/issues/{number}.json")

    def edit_note(self, journal: int, notes: str) -> None:
        self._ask("PUT", f"/journals/{journal}.json", {"journal": {"notes": notes}})

    def journals(self, number: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask("GET", f"/issues/{number}.json?include=journals").json()["issue"][
            "journals"
        ]
        return found

    def close(self) -> None:
        self._http.close()

    def _ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        answer = self._http.request(method, path, json=body)
        assert answer.is_success, (answer.status_code, answer.text)
        return answer
