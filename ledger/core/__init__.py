"""The pure heart of the ledger: formats, hashing, proofs and signatures, with no framework and no I/O.

Imports only the standard library, cryptography, nacl, msgspec and rfc8785, so that an offline verifier can be
built from this package alone.
"""
