"""``smsc customer terminate``: the end of a contract, as far as it has got (privacy.md R9)."""

from __future__ import annotations

import argparse
from typing import Any

from smsc import reading, subject
from smsc.privacy import operator
from smsc.rights import commands
from smsc.rights.acting import acting, claim
from smsc.rights.registered import must_be_in_the_database
from smsc.subject import CUSTOMER, Subject


def add_command(group: Any) -> None:
    """Add ``terminate`` to what may be done to customers."""
    parser = commands.command(
        group, "terminate", _terminate, "end a contract: all of it goes, each thing when it may"
    )
    parser.add_argument("reference", metavar="REFERENCE")
    parser.add_argument(
        "--case",
        metavar="CASE",
        type=commands.read_by(subject.case),
        required=True,
        help="how it is found again; the same as before to go on with it",
    )
    parser.add_argument(
        "--cancel", action="store_true", help="delete what waits instead of delivering it"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def _terminate(options: argparse.Namespace) -> int:
    loaded = reading.load(options.config)
    about = Subject(CUSTOMER, options.reference)
    must_be_in_the_database(loaded, about)
    with acting(loaded, "customer.terminate", options.case, CUSTOMER, cancel=options.cancel):
        done = claim(
            loaded, "terminate", case=options.case, by=operator(), cancel=options.cancel,
            **about._asdict(),
        )  # fmt: skip
    commands.tell(done, options.json)
    if not options.json:
        print(
            "the rest goes by itself when it may; asked again, this goes on and says what is left"
            if done["kept"]
            else f"all of {options.reference} is gone"
        )
    return 0
