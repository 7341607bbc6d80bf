"""SAP CAP with its change tracking, a real OData V4 server, and somebody who works with it.

Its database is in memory (sql.js, SQLite in WebAssembly, as CAP's native driver needs a compiler at set-up), so what
it holds lives as long as its process.
"""

import json
import secrets
import shutil
from pathlib import Path
from typing import Any

import httpx

from collectors.demo.process import NO_TLS, ServerProcess, free_port
from tests.support.node import NODE

_HERE = Path(__file__).parent
_PACKAGES = _HERE.parents[2] / ".venv" / "cap" / "node_modules"
_READY_SECONDS = 60.0


class CapServer:
    """One server with its folder, started once and stopped once."""

    def __init__(self, folder: Path) -> None:
        if not (_PACKAGES / "@sap" / "cds").is_dir():
            raise AssertionError("SAP CAP is not installed: `make test` does so, by npm, into .venv/cap")
        self._port = free_port()
        self._folder = folder / "cap"
        self.passwords = {login: secrets.token_urlsafe(24) for login in ("collector", "engineer")}
        self.url = f"http://127.0.0.1:{self._port}/odata/v4"
        shutil.copytree(_HERE / "app", self._folder)
        shutil.copyfile(_HERE / "package.json", self._folder / "package.json")
        (self._folder / "node_modules").symlink_to(_PACKAGES)
        self._process: ServerProcess | None = None

    def start(self) -> None:
        command = [str(NODE), str(_PACKAGES / "@sap" / "cds" / "bin" / "serve.js"), "--project", str(self._folder)]
        environment = {"PORT": str(self._port), "CDS_CONFIG": json.dumps(self._settings())}
        self._process = ServerProcess("SAP CAP", command, self._folder / "server.log", environment)
        self._process.wait_ready(self._answers, _READY_SECONDS)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _settings(self) -> dict[str, Any]:
        users = {
            "collector": {"password": self.passwords["collector"], "roles": ["auditor"]},
            "engineer": {"password": self.passwords["engineer"], "roles": []},
            "*": False,
        }
        return {
            "requires": {
                "db": {"kind": "sqlite", "driver": "sql.js", "credentials": {"url": ":memory:"}},
                "auth": {"kind": "basic", "users": users},
                "change-tracking": {"preserveDeletes": True},
            }
        }

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/audit/", trust_env=False, timeout=5, verify=NO_TLS).status_code == 401
        except httpx.HTTPError:
            return False


class Engineer:
    """Somebody who keeps the materials."""

    def __init__(self, server: CapServer) -> None:
        self._http = httpx.Client(
            base_url=f"{server.url}/material/",
            auth=("engineer", server.passwords["engineer"]),
            trust_env=False,
            verify=NO_TLS,
            timeout=30,
        )

    def add(self, name: str, **members: object) -> str:
        """The id of a new material."""
        found: str = self._ask("POST", "Materials", {"name": name, **members}).json()["ID"]
        return found

    def change(self, material: str, **members: object) -> None:
        self._ask("PATCH", f"Materials({material})", members)

    def delete(self, material: str) -> None:
        self._ask("DELETE", f"Materials({material})")

    def close(self) -> None:
        self._http.close()

    def _ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        answer = self._http.request(method, path, json=body)
        assert answer.is_success, (answer.status_code, answer.text)
        return answer
