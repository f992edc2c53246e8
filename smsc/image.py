"""A state as octets, and again as a state: what a checkpoint of the keeper's log holds.

    4 octets, then as many as they say: msgpack of (build, values), as ``State.dump`` gives them
    and the pieces behind

An image is of use only to the very program that made it: what a record means, and what of it is
kept in which form, may be otherwise in the next one. So it begins with a sum over the modules that
fold; it needs no version, and nobody has to think of raising one.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgpack

from smsc import (
    _finished,
    _index,
    _spool,
    asides,
    correlation,
    joins,
    lanes,
    lessons,
    mailbox,
    purses,
    rating,
    records,
    splits,
    spool,
    state,
)
from smsc.journal._frame import crc32c
from smsc.ports import Log, Mark
from smsc.state import State

#: What an image depends on.
MODULES = (
    _finished, _index, _spool, asides, correlation, joins, lanes, lessons, mailbox, purses, rating,
    records, splits, spool, state, sys.modules[__name__],
)  # fmt: skip

_LENGTH = 4


@functools.cache
def build() -> int:
    """A sum over them."""
    found = 0
    for module in MODULES:
        assert module.__file__ is not None
        found = crc32c(Path(module.__file__).read_bytes(), found)
    return found


def octets(state: State) -> Iterator[bytes]:
    """The image of a state, in pieces; nothing may change while they are taken."""
    values, pieces = state.dump()
    packed: bytes = msgpack.packb((build(), values))
    yield len(packed).to_bytes(_LENGTH, "little") + packed
    yield from pieces


def load(state: State, read: Callable[[int], bytes]) -> None:
    """Make a new state what its image says; ``read(n)`` gives the next ``n`` octets of it.

    Raises ValueError if it can't be taken; then nothing has changed.
    """
    packed = read(int.from_bytes(read(_LENGTH), "little"))
    try:
        maker, values = msgpack.unpackb(packed, use_list=False)
        if maker != build():
            raise ValueError("another build of the program made it")
        state.load(values, read)
    except (TypeError, OverflowError, msgpack.UnpackException) as error:
        raise ValueError("it makes no sense") from error


def restore(log: Log, state: State, covered: int) -> Mark | None:
    """Make a new state what the log's checkpoint says; the frame behind which the rest is.

    None if there is no checkpoint of use. Whoever replays a log takes down what ended after
    ``covered``, so none may be used that knows more: of those ends only it would know.
    """
    checkpoint = log.checkpoint()
    if checkpoint is None:
        return None
    with closing(checkpoint):
        try:
            if checkpoint.settled > covered:
                raise ValueError("it is newer than the traffic log")
            load(state, checkpoint.read)
        except (ValueError, OSError) as error:
            log.doubt(str(error))
            return None
    return checkpoint.mark
