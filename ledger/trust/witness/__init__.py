"""An independent witness of logs, and how a log asks one.

A witness reaches nothing of a ledger: an import rule holds it to `ledger.core`, durable files and an HTTP port.
"""
