"""Every error this package raises, by whose fault it is and what follows.

    SmscError
    |-- ConfigError      the operator's: nothing has started; names file, line and key
    |-- ControlError     the running server could not, or would not, do what it was asked
    |   `-- NotRunning   there is none to be asked
    |-- DatabaseError    the operator's: what was asked of the database is not to be had, and why
    |   `-- DatabaseAway nobody's: it can't be asked now; what was known of it goes on
    |       `-- DatabaseOlder   who put it back: it has forgotten what was known of it
    |-- KeyDestroyed     nobody's: what is asked for was deleted, as promised
    |-- FramingError     the peer's: the stream can't be trusted, the connection closes
    |-- StorageError     the disk's: the log is dead, nothing more is acknowledged, the process ends
    |   |-- CorruptLog   acknowledged data can't be read: the start stops, a person decides
    |   `-- NewerLog     acknowledged data is of a format that only a newer version can read

A bad PDU in a sound stream is not an exception: it is a status, and gets its answer.
No message of these carries text or a full number.
"""

from __future__ import annotations

from typing import Any


class SmscError(Exception):
    """The base of all errors raised on purpose."""


class ConfigError(SmscError):
    """A configuration that can't be used. ``str()`` reads ``file:line: key: what is wrong``."""

    def __init__(self, message: str, *, file: str = "", line: int = 0, key: str = "") -> None:
        self.message = message
        self.file = file
        self.line = line
        self.key = key
        where = f"{file}:{line}" if line else file
        super().__init__(": ".join(part for part in (where, key, message) if part))


class ControlError(SmscError):
    """The running server could not be asked, or this is why it won't: words for an operator."""


class NotRunning(ControlError):
    """There is no server to ask."""


class DatabaseError(SmscError):
    """The database is of another version, or what was asked of it can't be done."""


class DatabaseAway(DatabaseError):
    """The database does not answer, or what answers is not what was known."""


class DatabaseOlder(DatabaseAway):
    """An older copy of the database was put back, or another one is in its place."""


class KeyDestroyed(SmscError, LookupError):
    """What was sealed with this key can't be read any more: it was deleted."""


class FramingError(SmscError):
    """The octets are no PDU stream: answer ``generic_nack`` with these values, flush, close.

    ``pdus`` are the sound PDUs that stood before the damage in the same read.
    """

    def __init__(
        self, message: str, command_status: int, sequence_number: int, pdus: list[Any]
    ) -> None:
        super().__init__(message)
        self.command_status = command_status
        self.sequence_number = sequence_number
        self.pdus = pdus


class StorageError(SmscError):
    """Durable storage failed. What was not yet acknowledged has an unknown fate."""


class CorruptLog(StorageError):
    """Acknowledged data is damaged. Names the place and what may be done."""

    def __init__(self, message: str, *, file: str, offset: int, frame: int = 0) -> None:
        self.file = file
        self.offset = offset
        self.frame = frame
        super().__init__(f"{file} at octet {offset} (frame {frame}): {message}")


class BadSeal(StorageError):
    """Something was sealed with a key that is not there, or was changed since."""


class NewerLog(StorageError, LookupError):
    """A newer version wrote this log: that one, or a newer one, is to be run on it."""


def fault(error: Exception) -> str:
    """A bug of ours as a log may name it: its place and its type, for its values may be private."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else "?"
    return f"{place}: {type(error).__name__}"
