"""Evidence packages: what an inspector takes away, and how anybody verifies it without Trailseal at hand."""
