"""Declarations become the graph: what a source type means, in data. See docs/adding-a-service.md."""
