"""Fixtures that many tests share. The cores may be busy, so hypothesis times no example."""

from __future__ import annotations

import hypothesis

from tests.databases import cluster, database, url

__all__ = ["cluster", "database", "url"]

hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")
