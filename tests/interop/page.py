"""docs/interop.md: which peer did what with the server, as the run found it."""

from __future__ import annotations

from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "interop.md"

CLIENTS = ("smpplib", "aiosmpplib", "smpp34", "node")
CARRIERS = ("sim", "node", "smpp34")

#: What each test shows, by its name and what stands first in its parameters.
OPERATIONS = {
    "test_bind_probe_and_unbind[trx]": "bind_transceiver, enquire_link, unbind",
    "test_bind_probe_and_unbind[tx]": "bind_transmitter",
    "test_bind_probe_and_unbind[rx]": "bind_receiver",
    "test_a_wrong_password_is_refused": "refused bind",
    "test_a_text_arrives_and_its_receipt_comes_back[plain]": "submit_sm and its receipt",
    "test_a_text_arrives_and_its_receipt_comes_back[GSM extension]": "GSM extension table",
    "test_a_text_arrives_and_its_receipt_comes_back[UCS-2]": "UCS-2 with surrogate pairs",
    "test_a_text_arrives_and_its_receipt_comes_back[long]": "long text in parts (UDH)",
    "test_a_text_in_message_payload": "message_payload",
    "test_receipts_wait_for_a_receiver": "receipts that wait for a receiver",
    "test_no_receipt_where_none_was_asked_for": "no receipt unasked",
    "test_a_receiver_may_not_submit": "submit_sm refused on a receiver",
    "test_inbound_messages_reach_their_account[trx]": "inbound deliver_sm to a transceiver",
    "test_inbound_messages_reach_their_account[rx]": "inbound deliver_sm to a receiver",
    "test_data_sm": "data_sm",
    "test_query_sm": "query_sm",
    "test_cancel_sm": "cancel_sm",
    "test_replace_sm": "replace_sm",
    "test_submit_multi": "submit_multi",
}

INTRODUCTION = """\
# Interoperation

The running server between software that nobody here wrote: four client libraries, and behind the
server our simulator and two libraries in the place of a carrier. Written by `make interop`; a run
that finds something else fails.

* **yes**: done, and the answers, texts and receipts are right on both sides.
* **-**: the library can't.

"""

#: (test, client, carrier): yes, -, or FAILED.
Results = dict[tuple[str, str, str], str]


def key(item: pytest.Function) -> tuple[str, str, str] | None:
    """Which cell of the table a test fills."""
    if not hasattr(item, "callspec") or "world" not in item.callspec.params:
        return None
    params = dict(item.callspec.params)
    carrier, client = params.pop("world"), params.pop("peer", "node")
    what = next(iter(params.values()), "")
    return f"{item.originalname}[{what}]" if what else item.originalname, client, carrier


def outcome(report: pytest.TestReport) -> str | None:
    """What a report says, if it is the one that counts."""
    if report.when == "setup" and report.passed or report.when == "teardown":
        return None
    return {"passed": "yes", "skipped": "-", "failed": "FAILED"}[report.outcome]


def text(results: Results) -> str:
    """The whole page; a cell names the carriers behind which it is not the same."""
    lines = ["| operation | " + " | ".join(CLIENTS) + " |", "|---" * (len(CLIENTS) + 1) + "|"]
    for test, operation in OPERATIONS.items():
        cells = [cell(results, test, client) for client in CLIENTS]
        lines.append(f"| {operation} | " + " | ".join(cells) + " |")
    behind = ", ".join(CARRIERS)
    return INTRODUCTION + "\n".join(lines) + f"\n\nEach behind every carrier: {behind}.\n"


def cell(results: Results, test: str, client: str) -> str:
    found = {results.get((test, client, carrier), "-") for carrier in CARRIERS}
    return found.pop() if len(found) == 1 else "differs"
