"""A real OpenID provider for tests: idpyoidc in a process and environment of its own, over TLS with the tests' own CA.

with Provider(folder, authority) as provider:
    answer = provider.authenticate(address, "anna")   # what the browser comes back with
"""

import json
import re
import socket
import ssl
import subprocess
from html import unescape
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import httpx
from joserfc.jwk import ECKey, RSAKey

from tests.support.certificates import Authority

PYTHON = Path(__file__).parents[3] / ".venv" / "idp" / "bin" / "python"
CLIENT, SECRET = "trailseal", "a-client-secret-of-thirty-two-bytes"
REDIRECT = "https://ledger.example/sign-in/provider/callback"
PASSWORD_ACR, TOKEN_ACR = "urn:plant:password", "urn:plant:token"
USERS = {"anna": "pw of anna", "bert": "pw of bert", "mallory": "pw of mallory"}
OTHER_CLIENT = {"client_id": "other", "client_secret": "s" * 32, "redirect_uris": ["https://other.example/cb"]}


class ProviderUnavailable(RuntimeError):
    """The provider's environment is not there, or it did not start; the message has its output."""


class Provider:
    """Runs from `with` to its end; `stop`, `start` and `rotate` are its outages and changes of keys."""

    def __init__(self, folder: Path, authority: Authority, algorithm: str = "RS256") -> None:
        self.folder = folder
        self.authority = authority
        self.algorithm = algorithm
        self.lifetime = 300
        self.certificate, self.key_file = authority.issue("provider")
        self.keys = [self._new_key()]
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.issuer = f"https://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Starts it with its present keys; the first is the one that signs."""
        if not PYTHON.exists():
            raise ProviderUnavailable(f"no {PYTHON}: make .venv/.idp")
        (self.folder / "jwks.json").write_text(json.dumps({"keys": [self.keys[0].as_dict(private=True)]}))
        made = {
            "port": self.port,
            "issuer": self.issuer,
            "folder": str(self.folder),
            "certificate": str(self.certificate),
            "key": str(self.key_file),
            "keys": str(self.folder / "jwks.json"),
            "published": {"keys": [key.as_dict(private=False) for key in self.keys]},
            "algorithm": self.algorithm,
            "lifetime": self.lifetime,
            "users": USERS,
            "levels": {"password": PASSWORD_ACR, "token": TOKEN_ACR},
            "clients": [
                {"client_id": CLIENT, "client_secret": SECRET, "redirect_uris": [REDIRECT]},
                OTHER_CLIENT,
            ],
        }
        file = self.folder / "provider.json"
        file.write_text(json.dumps(made))
        log = (self.folder / "provider.log").open("w")
        self._process = subprocess.Popen(
            [str(PYTHON), "-W", "ignore", str(Path(__file__).parent / "provider.py"), str(file)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            self.stop()
            raise ProviderUnavailable((self.folder / "provider.log").read_text())

    def stop(self) -> None:
        """From here on connections are refused."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def rotate(self, keep: bool = True) -> None:
        """Signs with a new key from here on; with `keep` the old one stays published."""
        self.keys = [self._new_key(), *(self.keys if keep else [])]
        self.stop()
        self.start()

    def browser(self) -> httpx.Client:
        """A browser that trusts the tests' CA, with cookies of its own."""
        context = ssl.create_default_context(cafile=str(self.authority.file))
        return httpx.Client(verify=context, trust_env=False, timeout=20)

    def authenticate(self, address: str, user: str, browser: httpx.Client | None = None) -> dict[str, str]:
        """What the browser is sent back with once somebody has authenticated as `user`."""
        chosen = self.browser() if browser is None else browser
        asked = chosen.get(address)
        assert asked.status_code == 200, asked.text
        found = re.search(r'name="token" value="([^"]+)"', asked.text)
        assert found is not None, asked.text
        form = {"token": unescape(found[1]), "username": user, "password": USERS[user]}
        back = chosen.post(f"{self.issuer}/verify", data=form)
        assert back.status_code == 302, back.text
        place = back.headers["location"]
        assert place.startswith(f"{REDIRECT}?"), place
        return {name: value for name, value in parse_qsl(urlsplit(place).query) if name in ("state", "code", "iss")}

    def token(self, claims: dict[str, Any], **header: Any) -> str:
        """A token that this very provider's key signed, over claims that it would never make."""
        from joserfc import jwt

        head = {"alg": self.algorithm, "kid": self.keys[0].kid, **header}
        return jwt.encode(head, claims, self.keys[0], algorithms=[self.algorithm])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _new_key(self) -> RSAKey | ECKey:
        more: Any = {"use": "sig", "alg": self.algorithm}
        if self.algorithm == "ES256":
            return ECKey.generate_key("P-256", more, auto_kid=True)
        return RSAKey.generate_key(2048, more, auto_kid=True)
