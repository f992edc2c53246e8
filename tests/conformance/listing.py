"""docs/conformance.md: every item of the checklist, with its status and the test that shows it.

    python tests/conformance/listing.py           prints the page
    python tests/conformance/listing.py --write   writes it where it belongs

The page is made of the collected tests alone: an item is a test's row (its name, and the answer it
expects) or a test's docstring, and its status is the test's mark.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "conformance.md"

PARTS = {
    "1": "PDUs",
    "2": "command_status",
    "3": "Session",
    "4": "Field semantics",
    "5": "Delivery receipts",
    "6": "message_id and the ancillary operations",
    "7": "Bad and hostile input",
    "8": "Vectors",
}
SECTIONS = {
    "1.1": "Types",
    "1.2": "Header",
    "1.3": "Commands",
    "1.4": "Bodies",
    "1.5": "Limits of fields",
    "1.6": "TLVs",
    "2.1": "Values, and what older peers are told",
    "2.2": "Bodies of errors",
    "2.3": "The order of checks",
    "2.4": "Situations",
    "2.5": "What a client's answer to a delivery means",
    "3.1": "States",
    "3.2": "Who may send what, when",
    "3.3": "Version negotiation",
    "3.4": "Sequence numbers",
    "3.5": "Asynchrony and windows",
    "3.6": "unbind, close",
    "3.7": "Timers",
    "4.1": "Times",
    "4.2": "esm_class",
    "4.3": "registered_delivery",
    "4.4": "Small fields",
    "4.5": "Where the text is",
    "4.6": "data_coding",
    "4.7": "Alphabets",
    "4.8": "UDH, concatenation, lengths",
    "5.1": "The PDU",
    "5.2": "The text",
    "5.3": "When",
    "5.4": "Order",
    "5.5": "message_state",
    "8.1": "Good PDUs",
    "8.2": "Bad PDUs",
    "8.3": "Splits",
}

INTRODUCTION = """\
# Conformance

What SMPP 3.3, 3.4 and 5.0 ask of a message centre, item by item, and the test that shows it.
Written by `make docs` from the tests in `tests/conformance/`; a test fails when it is out of date.

* **done**: as the specification says.
* **by policy**: the specification is silent or leaves it to us; the reason is given.
* **not offered**: the specification has it, this server does not; the test shows the refusal.
"""


class Item(NamedTuple):
    """One line of the list."""

    section: str
    what: str
    status: str
    test: str


class Collected:
    """A pytest plugin that keeps what was collected, in order."""

    def __init__(self) -> None:
        self.items: list[pytest.Item] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = list(session.items)


def items(tests: list[pytest.Item]) -> Iterator[Item]:
    for test in tests:
        assert isinstance(test, pytest.Function)
        name = test.originalname
        match = re.match(r"test_(\d)(?:_(\d)(?=_|$))?", name)
        assert match, f"{name} names no item"
        section = match[1] if match[1] in "67" else f"{match[1]}.{match[2]}"
        yield Item(section, what(test, section), status(test), where(test))


def what(test: pytest.Function, section: str) -> str:
    """What the item asks, in words."""
    params = test.callspec.params if hasattr(test, "callspec") else {}
    case = params.get("case")
    if case is not None:
        from cases import tell

        answer = tell(case.expected) or "no answer"
        return f"{case.name}: {answer}; {case.then}"
    said = " ".join((test.obj.__doc__ or "").split())
    assert said, f"{test.name} says nothing"
    words = f"{test.callspec.id}: {said}" if params else said
    return f"{test.originalname.split('_')[2]} {words}" if section == "7" else words


def status(test: pytest.Item) -> str:
    """As the test's mark has it."""
    for mark, words in (("by_policy", "by policy"), ("not_offered", "not offered")):
        found = test.get_closest_marker(mark)
        if found is not None:
            return f"{words}: {found.args[0]}"
    return "done"


def where(test: pytest.Function) -> str:
    name = test.originalname
    file = Path(test.path).name
    return f"[{name}](../tests/conformance/{file})"


def page(tests: list[pytest.Item]) -> str:
    """The whole of docs/conformance.md."""
    listed = list(items(tests))
    counts: dict[str, int] = {}
    for item in listed:
        word = item.status.partition(":")[0]
        counts[word] = counts.get(word, 0) + 1
    total = ", ".join(f"{counts[word]} {word}" for word in sorted(counts, key=counts.get))  # type: ignore[arg-type]
    lines = [INTRODUCTION, f"{len(listed)} items: {total}."]
    section = ""
    for item in sorted(listed, key=order):
        if item.section[0] != section[:1]:
            lines += ["", f"## {item.section[0]} {PARTS[item.section[0]]}"]
        if item.section != section:
            section = item.section
            if section in SECTIONS:
                lines += ["", f"### {section} {SECTIONS[section]}"]
            lines += ["", "| item | status | test |", "|---|---|---|"]
        lines.append(f"| {item.what} | {item.status} | {item.test} |")
    return "\n".join(lines) + "\n"


def order(item: Item) -> tuple[str, int]:
    """By section, and within part 7 by number; else as the tests stand."""
    number = re.match(r"\d+", item.what) if item.section == "7" else None
    return item.section, int(number[0]) if number else 0


def collected() -> list[pytest.Item]:
    """Every test of this directory."""
    plugin = Collected()
    options = ["--collect-only", "-q", "-q", "--no-header", "-p", "no:cacheprovider", str(HERE)]
    code = pytest.main(options, plugins=[plugin])
    if code:
        sys.exit(code)
    return [test for test in plugin.items if "test_part_" in test.nodeid]


def main() -> None:
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()):
        tests = collected()
    text = page(tests)
    if "--write" in sys.argv:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
