"""What is done to every PDU of a read, for the whole read in one call.

Compiled (``batches.pxd``): these loops run once per PDU in either direction, and the bytecode for
them cost as much as the decisions between them. They decide nothing: what is sound goes on, what is
not comes back with the command_status to answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from smsc._pdu import Message, Pdu, Response, id_resp, resequence
from smsc._plain import ALL
from smsc._window import Window
from smsc.message import OURS, PLAIN, Manners, check
from smsc.smpp import RESPONSE, Command, Status

P = TypeVar("P", bound=Pdu)

#: PDUs and the command_status that refuses each.
Refused = list[tuple[Pdu, int]]

#: ``(message id, attempt, command_status, carrier's id)`` of an attempt that was answered.
Outcome = tuple[int, int, int, bytes]

_RESPONSE = int(RESPONSE)
_GENERIC_NACK = int(Command.GENERIC_NACK)
_UNKNOWN = int(Status.ESME_RUNKNOWNERR)
_PLAIN, _ALL = PLAIN, ALL


def split(pdus: list[Pdu]) -> tuple[list[Pdu], list[Pdu]]:
    """``(responses, requests)``, each in order."""
    responses: list[Pdu] = []
    requests: list[Pdu] = []
    for pdu in pdus:
        if pdu.command_id >= _RESPONSE:
            responses.append(pdu)
        else:
            requests.append(pdu)
    return responses, requests


def end_of_run(requests: list[Pdu], start: int) -> int:
    """Where the requests that are of the same command as the one at ``start`` end."""
    pdu = requests[start]
    command_id = pdu.command_id
    end = start + 1
    while end < len(requests):
        pdu = requests[end]
        if pdu.command_id != command_id:
            break
        end += 1
    return end


def decoded(run: list[P]) -> tuple[list[P], Refused]:
    """Those whose bodies are sound, and those that are not."""
    sound: list[P] = []
    refused: Refused = []
    for pdu in run:
        status = pdu.decode()
        if status:
            refused.append((pdu, status))
        else:
            sound.append(pdu)
    return sound, refused


def checked(
    run: list[P], version: int, now: int, manners: Manners = OURS
) -> tuple[list[P], Refused]:
    """Those whose values ``message.check`` finds sound, and those it does not."""
    sound: list[P] = []
    refused: Refused = []
    usual = manners is OURS
    for pdu in run:
        # Nearly all are plain, and need not be asked about by name.
        plain = usual and isinstance(pdu, Message) and _PLAIN.look(pdu) == _ALL
        status = 0 if plain else check(pdu, version, now, manners)
        if status:
            refused.append((pdu, status))
        else:
            sound.append(pdu)
    return sound, refused


def fate(response: Pdu) -> int:
    """What a response says became of its request; a generic_nack is never a success."""
    status = response.command_status
    if not status and response.command_id == _GENERIC_NACK:
        return _UNKNOWN
    return status


def fates(window: Window, responses: list[Pdu]) -> tuple[list[tuple[int, int]], list[Pdu]]:
    """``(id, command_status)`` of the requests that these answer, and those that answer none."""
    answered: list[tuple[int, int]] = []
    others: list[Pdu] = []
    for response in responses:
        if window.take(response.sequence_number, response.command_id):
            answered.append((window.id, fate(response)))
        else:
            others.append(response)
    return answered, others


def outcomes(window: Window, responses: list[Pdu]) -> tuple[list[Outcome], list[Pdu]]:
    """The outcomes of the attempts that these answer, and those that answer none."""
    answered: list[Outcome] = []
    others: list[Pdu] = []
    for response in responses:
        if window.take(response.sequence_number, response.command_id):
            answered.append(outcome(window.id, window.attempt, response))
        else:
            others.append(response)
    return answered, others


def outcome(id: int, attempt: int, response: Pdu) -> Outcome:
    """What a response says of the attempt that it answers."""
    if isinstance(response, Response):
        carrier_id = response.message_id
    else:  # a broadcast_sm_resp, or a generic_nack, which has none
        carrier_id = response.fields.get("message_id", b"")
    return id, attempt, fate(response), carrier_id


def refusals(outcomes: list[Outcome]) -> set[int]:
    """The statuses of those attempts that were refused."""
    found = set()
    for outcome in outcomes:
        status = outcome[2]
        if status:
            found.add(status)
    return found


def id_answers(
    requests: Sequence[Pdu], verdicts: list[int], mask: int, command_id: int
) -> tuple[list[bytes], Refused]:
    """A response with ``id & mask`` where the keeper gave an id; and what it refused."""
    answers = []
    refused: Refused = []
    for at in range(len(verdicts)):
        pdu, verdict = requests[at], verdicts[at]
        if verdict > 0:
            answers.append(id_resp(command_id, pdu.sequence_number, verdict & mask))
        else:
            refused.append((pdu, -verdict))
    return answers, refused


def submits(
    messages: list[Message], sequence_numbers: list[int], registered: list[int]
) -> list[bytes]:
    """Each message as the submit_sm to a carrier; ``registered`` maps its registered_delivery.

    -1 there leaves it as it came.
    """
    out = []
    for at in range(len(messages)):
        message = messages[at]
        out.append(message.forward(sequence_numbers[at], registered[message.registered_delivery]))
    return out


def count_requests(staged: list[bytes]) -> int:
    """How many of these PDUs are requests: bit 31 of the command_id tells a response."""
    count = 0
    for octets in staged:
        if octets[4] < 0x80:
            count += 1
    return count


def resequenced(pdus: list[bytes], sequence_numbers: list[int]) -> list[bytes]:
    """Each PDU under a sequence number of its own."""
    out = []
    for at in range(len(pdus)):
        out.append(resequence(pdus[at], sequence_numbers[at]))
    return out


def same_answers(
    requests: Sequence[Pdu], statuses: list[int], answer: bytes
) -> tuple[list[bytes], Refused]:
    """``answer`` under each sequence number where the status is 0; and those where it is not."""
    answers = []
    refused: Refused = []
    for at in range(len(statuses)):
        pdu, status = requests[at], statuses[at]
        if status:
            refused.append((pdu, status))
        else:
            answers.append(resequence(answer, pdu.sequence_number))
    return answers, refused
