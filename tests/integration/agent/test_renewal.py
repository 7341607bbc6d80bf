"""An agent's certificate is renewed before it expires, over and over, and the one before is worth nothing then."""

import ssl
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from ledger.core.enrolment import SERVER_NAME
from tests.support.edge import Plant

LIFE_SECONDS = 24
DAY_SECONDS = 86_400


def test_a_certificate_is_renewed_before_it_expires_and_delivery_goes_on(tmp_path: Path) -> None:
    with Plant(tmp_path, certificate_days=LIFE_SECONDS / DAY_SECONDS) as plant:
        site = plant.add("edge1", ["line1"])
        site.start()
        first, old = site.identity.certificate(), tmp_path / "old.pem"
        old.write_bytes(site.identity.tls_file.read_bytes())
        deadline = time.monotonic() + LIFE_SECONDS
        while site.identity.certificate().serial_number == first.serial_number:
            site.require_running()
            assert time.monotonic() < deadline, site.status()
            time.sleep(0.2)
        assert datetime.now(UTC) < first.not_valid_after_utc, "before it expired"
        assert site.identity.tls_file.stat().st_mode & 0o077 == 0
        while datetime.now(UTC) <= first.not_valid_after_utc:
            time.sleep(0.2)
        site.files["line1"].add(50)
        deadline = time.monotonic() + 30
        while plant.numbers("line1") != list(range(50)):
            site.require_running()
            assert time.monotonic() < deadline, site.status()
            time.sleep(0.2)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(site.identity.authority_file)
        context.load_cert_chain(old)
        url = f"https://127.0.0.1:{plant.ports.port}/api/v1/agents/edge1/last"
        with httpx.Client(verify=context, trust_env=False) as http, pytest.raises(httpx.TransportError):
            http.get(url, extensions={"sni_hostname": SERVER_NAME})
        site.stop()
