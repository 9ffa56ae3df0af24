"""Connectors: one package per asset family; they never import each other."""
