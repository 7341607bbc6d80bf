"""A software authenticator for signing passkeys: correct unless a test says how it shall lie."""

import json
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from ledger.core.passkey import b64url, unb64url
from ledger.core.signature import PasskeyProof

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


class SigningAuthenticator:
    """One ES256 credential with a counter."""

    def __init__(self, origin: str, rp_id: str, *, eligible: bool = False) -> None:
        self.origin = origin
        self.rp_id = rp_id
        self.credential = sha256(rp_id.encode()).digest()
        self.counter = 0
        self._flags = PRESENT | VERIFIED | (ELIGIBLE if eligible else 0)
        self._key = ec.generate_private_key(ec.SECP256R1())

    def register(self, options: dict[str, Any]) -> dict[str, Any]:
        """The browser's answer to a registration."""
        numbers = self._key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        data = self._data(self._flags | ATTESTED) + bytes(16) + len(self.credential).to_bytes(2, "big")
        data += self.credential + cbor2.dumps(cose)
        client = self._client("webauthn.create", unb64url(options["challenge"]))
        return {
            "id": b64url(self.credential),
            "rawId": b64url(self.credential),
            "type": "public-key",
            "response": {
                "clientDataJSON": b64url(client),
                "attestationObject": b64url(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
            },
        }

    def sign(self, challenge: bytes, **lies: Any) -> PasskeyProof:
        """An assertion; `lies` replace what it would say: flags, counter, client members, the relying party."""
        self.counter = lies.get("counter", self.counter + 1)
        data = self._data(lies.get("flags", self._flags), lies.get("rp_id")) + lies.get("tail", b"")
        client = self._client(lies.get("type", "webauthn.get"), challenge, **lies.get("client", {}))
        signature = self._key.sign(data + sha256(client).digest(), ec.ECDSA(SHA256()))
        return PasskeyProof(
            credential=b64url(lies.get("credential", self.credential)),
            client_data=b64url(client),
            authenticator_data=b64url(data),
            signature=b64url(signature),
        )

    def _client(self, kind: str, challenge: bytes, **more: Any) -> bytes:
        said = {"type": kind, "challenge": b64url(challenge), "origin": self.origin, "crossOrigin": False, **more}
        return json.dumps({name: value for name, value in said.items() if value is not None}).encode()

    def _data(self, flags: int, rp_id: str | None = None) -> bytes:
        digest = sha256((rp_id or self.rp_id).encode()).digest()
        return digest + bytes([flags]) + self.counter.to_bytes(4, "big")
