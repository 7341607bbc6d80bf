"""A Git server of the tests' own on the loopback address: git's `http-backend` behind HTTP with a password, and the
people who work in a repository on it.
"""

import base64
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from collectors.demo.process import free_port

USER, PASSWORD = "collector", "of-Tests-17"
_SECONDS = 30


def git(folder: Path, *arguments: str, given: bytes = b"", env: Mapping[str, str] | None = None) -> str:
    """What git prints; fails the test with what it complains about."""
    assert shutil.which("git"), "git is not installed (Debian: apt-get install git)"
    ran = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        input=given,
        capture_output=True,
        timeout=_SECONDS,
        check=False,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **(env or {})},
    )
    assert ran.returncode == 0, (arguments, ran.stderr)
    return ran.stdout.decode().strip()


class Repository:
    """A bare repository, and a person's own that pushes to it."""

    def __init__(self, folder: Path, name: str = "recipes") -> None:
        self.bare, self.own = folder / f"{name}.git", folder / f"{name}-own"
        for place, options in ((self.bare, ("--bare",)), (self.own, ())):
            place.mkdir(parents=True)
            git(place, "init", "--quiet", "--initial-branch=main", *options)
        git(self.own, "remote", "add", "origin", str(self.bare))
        for key, value in {"user.name": "R. Cipe", "user.email": "recipes@plant.example"}.items():
            git(self.own, "config", key, value)
        self._key = folder / f"{name}-key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._key)], check=True)
        self.signers = folder / f"{name}-signers"
        self.signers.write_text(f"recipes@plant.example {self._key.with_suffix('.pub').read_text()}")

    def commit(self, message: str, files: Mapping[str, str | None], *options: str, sign: bool = False) -> str:
        """Commits files with these contents (None: removed); the commit's id."""
        for name, content in files.items():
            path = self.own / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True) if content is None else path.write_text(content)
        git(self.own, "add", "--all")
        self._signed("commit", "--quiet", "--cleanup=verbatim", "--file=-", *options, given=message, sign=sign)
        return git(self.own, "rev-parse", "HEAD")

    def tag(self, name: str, message: str, *options: str, sign: bool = False) -> str:
        self._signed(
            "tag", *options, "--annotate" if not sign else "--sign", "--file=-", name, given=message, sign=sign
        )
        return git(self.own, "rev-parse", f"refs/tags/{name}")

    def push(self, *options: str) -> None:
        """Pushes all branches and tags, with these options."""
        git(self.own, "push", "--quiet", *options, "origin", "refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*")

    def _signed(self, command: str, *arguments: str, given: str, sign: bool) -> None:
        settings = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={self._key}.pub") if sign else ()
        sign_option = ("-S",) if sign and command == "commit" else ()
        git(self.own, *settings, command, *sign_option, *arguments, given=given.encode("utf-8", "surrogatepass"))


class GitServer:
    """Serves the repositories of a folder; `port` is the same over stop and start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        folder = self._folder

        class Handler(_Handler):
            root = folder

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Handler(BaseHTTPRequestHandler):
    """Runs git's own CGI program for each request."""

    root: Path
    _ACCOUNT = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") != self._ACCOUNT:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        answer = subprocess.run(
            ["git", "http-backend"],
            input=body,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(self.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "REMOTE_ADDR": "127.0.0.1",
                "REMOTE_USER": USER,
            },
        ).stdout
        head, _, content = answer.partition(b"\r\n\r\n")
        headers = [line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line]
        status = next((int(value[:3]) for name, value in headers if name == "Status"), 200)
        self.send_response(status)
        for name, value in headers:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
