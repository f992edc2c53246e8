"""What a load run came to: counts, rates, latencies, and whether every promise was kept. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from smsc.sim.ledger import WORDS, Ledger
from smsc.sim.report import Histogram
from smsc.smpp import Status


class Flow(NamedTuple):
    """What the ledger does not know: what was sent, what was lost, how long it took."""

    submitted: int
    #: How many were to be sent; 0 when only time ended the run.
    wanted: int
    unanswered: int
    connections_lost: int
    #: When the first submit could leave, on the machine's steady clock.
    began_us: int
    #: From the first submit to the last response, and to the last receipt.
    answering_us: int
    receipting_us: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to. Rates are per second, latencies milliseconds by percentile."""

    submitted: int
    acknowledged: int
    refused: dict[str, int]
    unknown: int
    unanswered: int
    unsent: int
    faults: int
    duplicate_ids: int
    strays: int
    receipts_wanted: bool
    receipts: int
    states: dict[str, int]
    receipts_missing: int
    receipts_doubled: int
    receipts_unknown: int
    receipts_malformed: int
    receipts_early: int
    intermediate: int
    inbound: int
    connections_lost: int
    #: When the first submit could leave, on the machine's steady clock.
    began: float
    seconds: float
    accept_per_s: float
    whole_way_per_s: float
    response_ms: dict[str, float]
    receipt_ms: dict[str, float]

    @property
    def passed(self) -> bool:
        """Whether every message was acknowledged, and receipted exactly once where asked."""
        return (
            self.acknowledged == self.submitted > 0
            and not self.unsent
            and not self.faults
            and not self.receipts_missing
        )


def summarise(ledger: Ledger, flow: Flow, responses: Histogram, receipts: Histogram) -> Result:
    """Put together what was counted."""
    accepting = max(flow.answering_us, 1) / 1e6
    whole_way = max(flow.receipting_us, 1) / 1e6
    return Result(
        submitted=flow.submitted,
        acknowledged=ledger.acknowledged,
        refused={status_name(status): n for status, n in sorted(ledger.refused.items())},
        unknown=ledger.unknown,
        unanswered=flow.unanswered,
        unsent=max(flow.wanted - flow.submitted, 0),
        faults=ledger.faults,
        duplicate_ids=ledger.duplicate_ids,
        strays=ledger.strays,
        receipts_wanted=ledger.receipts_wanted,
        receipts=ledger.receipts,
        states={WORDS.get(state, str(state)): n for state, n in sorted(ledger.states.items())},
        receipts_missing=ledger.receipts_missing,
        receipts_doubled=ledger.receipts_doubled,
        receipts_unknown=ledger.receipts_unknown,
        receipts_malformed=ledger.receipts_malformed,
        receipts_early=ledger.receipts_early,
        intermediate=ledger.intermediate,
        inbound=ledger.inbound,
        connections_lost=flow.connections_lost,
        began=flow.began_us / 1e6,
        seconds=max(accepting, whole_way),
        accept_per_s=ledger.acknowledged / accepting,
        whole_way_per_s=ledger.receipts / whole_way,
        response_ms=responses.percentiles(),
        receipt_ms=receipts.percentiles(),
    )


#: Counts that a summary shows only when they are not zero, since they should be.
TROUBLE = (
    "unknown",
    "unanswered",
    "unsent",
    "duplicate_ids",
    "strays",
    "receipts_doubled",
    "receipts_unknown",
    "receipts_malformed",
    "receipts_early",
    "intermediate",
    "inbound",
    "connections_lost",
)


def rows(result: Result) -> dict[str, object]:
    """The summary, line by line, for a table."""
    shown: dict[str, object] = {
        "submitted": result.submitted,
        "acknowledged": result.acknowledged,
        "acknowledged per second": result.accept_per_s,
        "submit_sm_resp after, ms": _line(result.response_ms),
    }
    if result.receipts_wanted:
        shown |= {
            "receipts": result.receipts,
            "receipts missing": result.receipts_missing,
            "receipts per second": result.whole_way_per_s,
            "receipt after, ms": _line(result.receipt_ms),
            "states": ", ".join(f"{word} {count:,}" for word, count in result.states.items()),
        }
    shown |= {f"refused {name}": count for name, count in result.refused.items()}
    shown |= {
        name.replace("_", " "): getattr(result, name) for name in TROUBLE if getattr(result, name)
    }
    return shown | {"seconds": result.seconds, "verdict": "passed" if result.passed else "FAILED"}


def _line(percentiles: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.2f}" for name, value in percentiles.items())


def status_name(status: int) -> str:
    """``ESME_RTHROTTLED`` for a known command_status, ``0x...`` for another."""
    return Status(status).name if status in Status._value2member_map_ else f"{status:#x}"
