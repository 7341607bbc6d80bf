"""Findings: something that a person must look at, written by append, verification, coverage and rules alike."""
