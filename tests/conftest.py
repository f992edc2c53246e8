"""Fixtures that many tests share."""

from tests.databases import cluster, database, url

__all__ = ["cluster", "database", "url"]
