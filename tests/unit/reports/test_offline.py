"""The offline verifier needs the core and nothing that reads a ledger, so that it can be trusted and carried alone."""

import subprocess
import sys

_ASK = """
import sys
import reports.verify
print("\\n".join(sorted(sys.modules)))
"""


def test_the_verifier_loads_no_store_no_database_and_no_report_engine() -> None:
    loaded = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=True).stdout.split()
    ours = {name for name in loaded if name.startswith("ledger.")}
    assert all(name == "ledger.core" or name.startswith("ledger.core.") for name in ours), sorted(ours)
    assert not {"sqlalchemy", "sqlite3", "psycopg", "reportlab", "httpx", "litestar"} & set(loaded)
