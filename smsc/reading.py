"""From a file to a configuration that is sound as a whole, or to every problem it has.

Owns the way in: ``smsc.schema`` reads the values, ``smsc.agreement`` looks at them together, once
all are read. What ``load`` gives is sound: every name in it exists, every value is within its
bounds, so that nothing behind it checks again.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

import yaml

from smsc.agreement import CHECKS, ordered_account
from smsc.config import AccountConfig, Config
from smsc.errors import ConfigError
from smsc.schema import Reading


def _read(text: str, file: str) -> tuple[Config | None, list[ConfigError]]:
    """The value, and every problem by line. What must agree is only looked at once all is read."""
    reading = Reading(file)
    config = reading.document(text, Config)
    if not reading.problems:
        for key, message in itertools.chain.from_iterable(found(config) for found in CHECKS):
            reading.problem(key, message)
    return config, sorted(reading.problems, key=lambda problem: problem.line)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror}", file=path) from error
    except UnicodeDecodeError as error:
        raise ConfigError("is not UTF-8 text", file=path) from error


def loads(text: str, file: str = "<text>") -> Config:
    """A sound Config from YAML text. Raises ConfigError, for the first problem by line."""
    config, problems = _read(text, file)
    if problems:
        raise problems[0]
    assert config is not None
    return config


def load(path: str) -> Config:
    """A sound Config from a file. Raises ConfigError, for the first problem by line."""
    return loads(_text(path), path)


def check(path: str) -> list[ConfigError]:
    """Every problem of a file, by line; none means that ``load`` succeeds."""
    try:
        return _read(_text(path), path)[1]
    except ConfigError as error:
        return [error]


#: In C where PyYAML was built with it; its words for faults are others.
QUICK = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def account(fields: Mapping[str, Any], where: str) -> AccountConfig:
    """An account that is kept elsewhere, by the keys and values it would have in the file.

    Raises ConfigError, which says ``where`` and the key.
    """
    reading = Reading(where)
    # There are thousands of these, and JSON has no faults whose words could differ.
    read = reading.document(json.dumps(fields), AccountConfig, QUICK)
    problems = [(problem.key, problem.message) for problem in reading.problems]
    problems += [] if problems else ordered_account(read)
    for key, message in problems:
        raise ConfigError(message, file=where, key=key)
    assert isinstance(read, AccountConfig)
    return read
