"""What is stored about somebody, put together for them: GDPR 15 and 20, privacy.md R12.

One value with two faces: JSON for machines, ``page`` for people. A section says what its rows are,
what they are used for, how long they stay, and which promise they come under.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from smsc import __version__, cases
from smsc.config import Config
from smsc.rights import registered, stored
from smsc.rights.stored import Row, moment
from smsc.subject import NUMBER, Subject

DAY: Final = 86_400_000


class Section(NamedTuple):
    """A kind of data: its promises, what it is, what for, and the columns of its rows."""

    key: str
    title: str
    promises: str
    what: str
    why: str
    kept: str
    columns: tuple[tuple[str, str], ...]


SECTIONS: Final = (
    Section(
        "contract", "Contract", "R6, R9",
        "Who the customer is, and from when to when.",
        "To provide the service and to bill it.",
        "Until the contract has ended and all of it is billed.",
        (("reference", "Reference"), ("name", "Name"), ("contract_start", "From"),
         ("contract_end", "To"), ("time_zone", "Time zone"), ("price_plan", "Price plan")),
    ),
    Section(
        "registration", "Registration", "R10",
        "Who may log in. Of the password only a hash is kept (Argon2id), which nobody can read.",
        "To know who logs in.",
        "Until the consent is withdrawn, or the contract has ended.",
        (("email", "E-mail address"), ("name", "Name"), ("customer", "Customer"), ("role", "Role"),
         ("may_log_in", "May log in"), ("created", "Since")),
    ),
    Section(
        "consents", "Consent", "R10",
        "To which text its person agreed before anything of the registration was stored.",
        "To be able to show that it was given.",
        "For good: it says nothing of the person.",
        (("version", "Version of the text"), ("given", "Given"), ("recorded_by", "Taken down by"),
         ("text_sha256", "SHA-256 of the text")),
    ),
    Section(
        "accounts", "Accounts", "R1",
        "Rights to send and receive over SMPP.",
        "To provide the service.",
        "Until the contract has ended and all of it is billed.",
        (("system_id", "Name"), ("may_bind", "May bind"), ("settings", "Settings"),
         ("created", "Since")),
    ),
    Section(
        "api_keys", "Keys of the API", "R1",
        "Rights to call the API. Of a key only a hash is kept.",
        "To provide the service.",
        "Until the contract has ended.",
        (("name", "Name"), ("created", "Since"), ("revoked", "Revoked")),
    ),
    Section(
        "orders", "Orders", "R7",
        "What was ordered to be sent, in the history of who ordered it.",
        "To do what was ordered, to bill it, and to show it to who ordered it.",
        "Until who ordered it deletes it, and at least until it is done and billed.",
        (("created", "Ordered"), ("state", "State"), ("done", "Done"), ("from", "From"),
         ("to", "To"), ("text", "Text")),
    ),
    Section(
        "owed", "Messages on their way", "R1, R2",
        "Messages, delivery reports and messages to customers that have not reached their end.",
        "To deliver them.",
        "Until they are delivered or their time is over; then they are traffic data.",
        (("accepted", "Accepted"), ("what", "What"), ("from", "From"), ("to", "To"),
         ("state", "State"), ("coding", "Encoding"), ("text", "Text"), ("until", "Ends at")),
    ),
    Section(
        "traffic", "Traffic data", "R1, R2, R3",
        "One record for each message that has reached its end.",
        "To provide the service and to bill it; nothing else. It is passed to nobody but the "
        "carriers that bring the message to its receiver.",
        "Until its billing period is closed and the bill can't be objected to any more.",
        (("accepted", "Accepted"), ("sent", "Sent"), ("done", "Ended"), ("direction", "Direction"),
         ("from", "From"), ("to", "To"), ("state", "State"), ("network", "Network"),
         ("parts", "Parts"), ("coding", "Encoding"), ("text", "Text"),
         ("text_until", "Text until"), ("until", "Until"), ("kept", "Kept because")),
    ),
    Section(
        "payments", "Payments", "R2",
        "What was paid ahead, and what was paid back.",
        "To bill the service.",
        "As long as tax law has it kept.",
        (("at", "At"), ("amount", "Amount"), ("note", "Reference")),
    ),
    Section(
        "periods", "Closed billing periods", "R2",
        "Totals without any number or text.",
        "To bill the service.",
        "As long as tax law has them kept.",
        (("period", "Period"), ("closed", "Closed"), ("messages", "Messages"), ("amount", "Amount"),
         ("currency", "Currency")),
    ),
    Section(
        "accesses", "Access logs", "R5, R6",
        "Who fetched what from pages and interfaces.",
        "To look into faults and attacks; nothing else.",
        "For some days, as said below.",
        (("at", "At"), ("address", "IP address"), ("fetched", "Fetched"), ("status", "Status"),
         ("octets", "Octets"), ("agent", "Browser and system"), ("referrer", "Referring page"),
         ("customer", "Customer"), ("user", "User")),
    ),
)  # fmt: skip


def report(loaded: Config, about: Subject, case: str, now: int) -> dict[str, Any]:
    """All of it. Sections of which there is nothing are there too: that is an answer as well."""
    count, on_their_way = stored.owed(loaded, about)
    found: dict[str, list[Row]] = {"owed": on_their_way, "traffic": stored.told(loaded, about)}
    found |= registered.rows(loaded, about)
    number = about.value if about.kind == NUMBER else ""
    found["accesses"] = stored.accesses(loaded, registered.names(loaded, about), number)
    rules = loaded.retention
    return {
        "about": about._asdict(),
        "case": case,
        "made": moment(now),
        "by": f"smsc {__version__}",
        "open": [
            {"case": one.id, "act": one.act, "since": moment(one.at)}
            for one in cases.read(loaded)
            if one.subject == about and one.act != cases.DISCLOSE
        ],
        "days": {
            "objection": rules.objection // DAY,
            "content": None if rules.content is None else rules.content // DAY,
            "maximum": rules.maximum // DAY,
            "access_log": rules.access_log // DAY,
        },
        "sections": [
            {
                **section._asdict(),
                "columns": dict(section.columns),
                "count": count if section.key == "owed" else len(found.get(section.key, ())),
                "rows": found.get(section.key, []),
            }
            for section in SECTIONS
            if section.key in found
        ],
    }
