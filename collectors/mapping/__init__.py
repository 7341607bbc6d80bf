"""Declarative mappings: what a source's own items mean, written in a TOML file instead of code.

A driver speaks a protocol and gives items (rows, messages, documents); a mapping says how one item becomes a `Record`.
`model` is the file's form, `expression` how a value is taken from an item, `mapper` makes the record, `collector` the
base class of drivers that use one, `templates/` the mappings of common products.
"""
