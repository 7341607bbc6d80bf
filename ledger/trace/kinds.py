"""Entries of the trace domain: an evidence package that was issued."""

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Digest, Name, Text
from ledger.core.times import SafeInt


class PackageIssued(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="package-issued/1"):
    """An evidence package left the ledger: what it holds, as of which size, and who had it made.

    `sha256` is the digest of the package file, `selection` the canonical JSON of what was asked for, `disclosed`
    whether sealed values were given with it.
    """

    package: Name
    sha256: Digest
    selection: Text
    origin: Name
    size: SafeInt
    records: SafeInt
    disclosed: bool
    authority: Authority


KINDS = (Kind("package-issued", [PackageIssued]),)
