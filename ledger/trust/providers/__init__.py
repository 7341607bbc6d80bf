"""Key providers: where the keys of a ledger are and what signs with them.

`file`: each secret in a file of its own that only its owner can read. `sealed`: all of them in one file, under a
passphrase. `pkcs11`: keys that sign are made in a security module and never leave it; what the service itself must
hold (digest secret, pepper, passwords) stays in files or in a sealed file.
"""
