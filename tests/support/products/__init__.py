"""Peers that answer in the documented shape of products which cannot run here: pages, filters, errors, sign-in."""
