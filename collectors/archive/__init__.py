"""Reads old audit trails from files: CSV, XML, SQL dumps; row by row, each with its bytes."""
