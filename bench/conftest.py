"""How benchmarks are run, unless the command line says otherwise: warm, and without the collector.

``pytest bench/`` runs them; the tests don't.
"""

from __future__ import annotations

import os
from typing import Any

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.option.benchmark_disable_gc = True
    config.option.benchmark_warmup = "on"


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """A figure from a busy machine should be seen to be one."""
    machine_info["load_average"] = os.getloadavg()
    machine_info["cores_usable"] = len(os.sched_getaffinity(0))
