"""``smsc subject``: what people may ask of us about their data (GDPR 15 to 18)."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smsc import privacy, reading, subject
from smsc.cases import BLOCK, DISCLOSE, ERASE, Cases, read
from smsc.keys import keyring
from smsc.privacy import command as command
from smsc.privacy import operator
from smsc.rights import page, registered, report
from smsc.rights.acting import ClaimError, acting, claim
from smsc.subject import Subject


def add_commands(commands: Any) -> None:
    """Add ``subject`` to a parser's sub-commands."""
    text = "answer people who ask about their data"
    parser = commands.add_parser("subject", help=text, description=text[0].upper() + text[1:] + ".")
    group = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    parser = command(group, "report", _report, "write down for them all that is stored")
    whose(parser)
    parser.add_argument(
        "--to",
        metavar="DIRECTORY",
        required=True,
        help="where CASE.html, for people, and CASE.json, for machines, are made",
    )
    parser = command(group, "correct", _correct, "set right what is registered of them")
    whose(parser)
    parser.add_argument("--name", metavar="NAME")
    parser.add_argument("--email", metavar="ADDRESS", help="of a user")
    whose(command(group, "block", _block, "keep what is theirs, and process it no more"))
    parser = command(group, "erase", _erase, "delete what is theirs: now, or when the law lets it")
    whose(parser)
    parser.add_argument("--json", action="store_true", help="for programs")
    parser = command(group, "unblock", _unblock, "end a block: what waited goes on")
    parser.add_argument("case", metavar="CASE", type=read_by(subject.case))
    command(group, "cases", _cases, "list the blocks and erasures that are not over")


def whose(parser: argparse.ArgumentParser) -> None:
    """Whom it is about, and how the act is found again."""
    parser.add_argument("kind", choices=subject.KINDS)
    parser.add_argument(
        "who",
        metavar="WHO",
        help="a number with its country code, a user's e-mail address, a customer's reference; - to"
        " read it from standard input, where no list of processes shows it",
    )
    parser.add_argument(
        "--case",
        metavar="CASE",
        type=read_by(subject.case),
        required=True,
        help="the file that says who asked and how it was seen that they may; audit and access log"
        " keep it",
    )


def read_by(read: Callable[[str], str]) -> Callable[[str], str]:
    def convert(text: str) -> str:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def named(options: argparse.Namespace) -> Subject:
    """Whom the words are about. Raises ClaimError."""
    text = sys.stdin.readline() if options.who == "-" else options.who
    try:
        return Subject.read(options.kind, text)
    except ValueError as error:
        raise ClaimError(str(error)) from None


def day(at: int) -> str:
    """The day of a time (ms), for people."""
    return time.strftime("%Y-%m-%d", time.gmtime(at // 1_000))


# -- report --------------------------------------------------------------------------------------


def _report(options: argparse.Namespace) -> int:
    loaded, about = reading.load(options.config), named(options)
    registered.must_be(loaded, about)
    with acting(loaded, "subject.report", options.case, about.kind) as act:
        made = report.report(loaded, about, options.case, privacy.now_ms())
        told = {"json": json.dumps(made, indent=1) + "\n", "html": page.page(made)}
        for suffix, content in told.items():
            path = Path(options.to) / f"{options.case}.{suffix}"
            act.octets += hand_out(path, content)
            print(path)
    return 0


def hand_out(path: Path, told: str) -> int:
    """Write what is handed over, for the one who does it alone; its octets. Never over a file."""
    octets = told.encode()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(octets)
    return len(octets)


# -- correction ----------------------------------------------------------------------------------


def _correct(options: argparse.Namespace) -> int:
    loaded, about = reading.load(options.config), named(options)
    if about.kind == subject.NUMBER:
        raise ClaimError(
            "of a number there are only records of what was sent, which say what was; they can be"
            " blocked or erased"
        )
    fields = {name: value for name in ("name", "email") if (value := getattr(options, name))}
    if not fields:
        raise ClaimError("--name or --email says what is right")
    registered.must_be(loaded, about)
    with acting(loaded, "subject.correct", options.case, about.kind, fields=sorted(fields)):
        registered.correct(loaded, about, fields)
    print("corrected: " + ", ".join(sorted(fields)))
    return 0


# -- blocks --------------------------------------------------------------------------------------


def _block(options: argparse.Namespace) -> int:
    loaded, about = reading.load(options.config), named(options)
    registered.must_be(loaded, about)
    with acting(loaded, "subject.block", options.case, about.kind):
        claim(loaded, BLOCK, case=options.case, by=operator(), **about._asdict())
        registered.block(loaded, about)
    print(f"blocked for {options.case}")
    return 0


def _unblock(options: argparse.Namespace) -> int:
    loaded = reading.load(options.config)
    open_ = Cases.of(loaded, keyring(loaded, read_only=True)).find(options.case)
    if open_ is None or open_.act != BLOCK:
        raise ClaimError(f"there is no block by the name of {options.case}")
    with acting(loaded, "subject.unblock", options.case, open_.subject.kind):
        done = claim(loaded, "unblock", case=options.case)
    print(f"blocked for {options.case} no more; {done['went_on']} messages that waited go on")
    if open_.subject.kind == subject.USER:
        print("to let them log in again: smsc user change EMAIL --enabled")
    return 0


# -- erasure -------------------------------------------------------------------------------------


def _erase(options: argparse.Namespace) -> int:
    loaded, about = reading.load(options.config), named(options)
    registered.must_be(loaded, about)
    with acting(loaded, "subject.erase", options.case, about.kind):
        done = claim(loaded, ERASE, case=options.case, by=operator(), **about._asdict())
    tell(done, options.json)
    if done["kept"] and not options.json:
        print("what is kept is shown to nobody, and goes by itself when it may")
    return 0


def tell(done: dict[str, Any], as_json: bool) -> None:
    """What went, and what stays for now and why."""
    if as_json:
        print(json.dumps(done))
        return
    for what, count in done["gone"].items():
        print(f"erased: {count} {what}")
    for one in done["kept"]:
        until = f", until {one['until']}" if one["until"] else ""
        print(f"kept: {one['how_many']} {one['what']}: {one['why']}{until}")


def _cases(options: argparse.Namespace) -> int:
    loaded = reading.load(options.config)
    for case in read(loaded):
        if case.act == DISCLOSE:
            continue  # of whom an authority asks, only who deals with it hears
        print(f"{case.id}: {case.act} of a {case.subject.kind} since {day(case.at)}, by {case.by}")
    return 0
