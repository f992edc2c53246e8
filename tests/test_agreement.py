"""What must agree in a configuration: every finding, by its line and key."""

from __future__ import annotations

import pytest

from tests.settings import ACCOUNTS, CARRIERS, HASH, LEAST, LISTENERS, problems

ROUTED = LEAST + CARRIERS
INBOUND = "inbound: [{to: 1, account: demo, keyword: Stop}, "
TWO = "  - {name: main, port: 1}\n  - {name: other, port: 1}\n"

DISAGREE = [
    ("listeners: []\n" + ACCOUNTS, "f:1: listeners: at least one listener is needed"),
    (
        LISTENERS + "accounts: []\n",
        "f:2: accounts: at least one account is needed, or a database that has some",
    ),
    (LISTENERS, "f:1: accounts: at least one account is needed, or a database that has some"),
    ("listeners:\n" + TWO + ACCOUNTS, "f:3: listeners[1].port: 1 is already taken by listeners[0]"),
    (
        LEAST.replace("port: 0", "port: 1") + "metrics: {host: 0.0.0.0, port: 1}",
        "f:5: metrics.port: 1 is already taken by listeners[0]",
    ),
    (LEAST.replace("port: 0", "port: 1") + "metrics: {host: 127.0.0.2, port: 1}", None),
    (LEAST + "metrics: {port: 0}", None),
    (
        LISTENERS + ACCOUNTS + "- system_id: demo\n  password_hash: " + HASH,
        "f:5: accounts[1].system_id: is the same as that of accounts[0]",
    ),
    (
        ROUTED + "routes: [{name: r, carriers: sin}]",
        "f:6: routes[0].carriers[0]: there is no carrier named sin",
    ),
    (
        ROUTED + "routes:\n- name: r\n  carriers:\n  - {sim: 1, sin: 2}",
        "f:9: routes[0].carriers[0]: there is no carrier named sin",
    ),
    (
        ROUTED + "routes: [{name: r, carriers: []}]",
        "f:6: routes[0].carriers: at least one carrier is needed",
    ),
    (
        ROUTED + "routes: [{name: r, carriers: [{}]}]",
        "f:6: routes[0].carriers[0]: must name at least one carrier",
    ),
    (
        ROUTED + "routes: [{name: r, carriers: sim, account: x}]",
        "f:6: routes[0].account: there is no account named x",
    ),
    (
        LEAST + "inbound: [{to: 1, account: x}]",
        "f:5: inbound[0].account: there is no account named x",
    ),
    (
        ROUTED + "routes: [{name: a, to: [1, 2], carriers: sim}, {name: b, to: 2, carriers: sim}]",
        "f:6: routes[1]: matches the same as routes[0] and never wins",
    ),
    (
        ROUTED
        + "routes: [{name: a, to: 2, carriers: sim}, {name: b, to: 2, from: A, carriers: sim}]",
        None,
    ),
    (
        ROUTED
        + "routes: [{name: a, network: '001*', carriers: sim}, {name: b, carriers: sim},"
        + " {name: c, network: ['00101', '001*'], carriers: sim}]",
        "f:6: routes[2]: matches the same as routes[0] and never wins",
    ),
    (
        ROUTED + "lookup: {url: 'http://h/{number}', accounts: x}",
        "f:6: lookup.accounts[0]: there is no account named x",
    ),
    (
        ROUTED + "lookup: {url: 'http://h/{number}', routes: x}",
        "f:6: lookup.routes[0]: there is no route named x",
    ),
    (ROUTED + "lookup: {url: 'http://h/{number}', accounts: demo}", None),
    (
        LEAST + INBOUND + "{to: 1, account: demo, keyword: STOP}]",
        "f:5: inbound[1]: matches the same as inbound[0] and never wins",
    ),
    (LEAST + INBOUND + "{to: 1, account: demo}]", None),
    (
        LEAST + "  default_validity: 8d",
        "f:5: accounts[0].default_validity: is longer than max_validity",
    ),
    (
        LEAST + "  max_validity: 1d",
        "f:3: accounts[0].default_validity: is longer than max_validity",
    ),
    (
        LEAST + CARRIERS.replace("}]", ", reconnect: {min: 2m}}]"),
        "f:5: carriers[0].reconnect: min is longer than max",
    ),
    (
        LEAST + "storage: {slow_sync: {pause: 1ms}}",
        "f:5: storage.slow_sync: must grow from warn over throttle and pause to unready",
    ),
    (
        LEAST + "limits: {timers: {inactivity: 59s}}",
        "f:5: limits.timers.inactivity: must be 0 or at least twice enquire_link",
    ),
    (LEAST + "limits: {timers: {inactivity: 0}}", None),
    (
        LEAST + CARRIERS.replace("}]", ", version: 3.3}]"),
        "f:5: carriers[0].bind: SMPP 3.3 has no transceiver; use tx+rx",
    ),
    (LEAST + CARRIERS.replace("}]", ", version: 3.3, bind: tx+rx}]"), None),
    (
        LEAST + CARRIERS.replace("}]", ", version: 3.3, bind: tx+rx, long_messages: sar}]"),
        "f:5: carriers[0].long_messages: SMPP 3.3 has no TLVs; use udh",
    ),
    (
        LEAST + CARRIERS.replace("}]", ", default_alphabet: ebcdic}]"),
        "f:5: carriers[0].default_alphabet: 'ebcdic' is not one of: gsm0338, latin1, ascii, utf8, "
        "gsm0338-packed",
    ),
    (
        LEAST + CARRIERS.replace("}]", ", data_codings: [0, 0x100]}]"),
        "f:5: carriers[0].data_codings[1]: '0x100' must be a whole number from 0 to 255",
    ),
    (LEAST + CARRIERS.replace("}]", ", data_codings: [0, 0xF1]}]"), None),
    (
        LEAST + CARRIERS.replace("}]", ", numbers: {source: national}}]"),
        "f:5: carriers[0].numbers.source: national numbers need a region",
    ),
    (
        LEAST + CARRIERS.replace("}]", ", numbers: {destination: {form: national}}}]"),
        "f:5: carriers[0].numbers.destination: national numbers need a region",
    ),
    (LEAST + CARRIERS.replace("}]", ", numbers: {source: national, region: GB}}]"), None),
    (
        LEAST + CARRIERS.replace("}]", ", numbers: {senders: number}}]"),
        "f:5: carriers[0].numbers.senders: the other kinds need a replacement",
    ),
    (
        LEAST + CARRIERS.replace("}]", ", numbers: {senders: number, replacement: ACME}}]"),
        "f:5: carriers[0].numbers.replacement: is not of a kind that senders names",
    ),
    (
        LEAST + CARRIERS.replace("}]", ", rewrite: [{field: source, match: '(', replace: x}]}]"),
        "f:5: carriers[0].rewrite[0].match: must be a regular expression: "
        "missing ), unterminated subpattern at position 0",
    ),
    (
        LEAST + CARRIERS.replace("}]", ", rewrite: [{field: source, match: a, replace: '\\1'}]}]"),
        "f:5: carriers[0].rewrite[0].replace: does not fit match: "
        "invalid group reference 1 at position 1",
    ),
    (
        ROUTED + "routes: [{name: r, broadcast: true, carriers: sim}]",
        "f:6: routes[0].carriers[0]: sim has no broadcasts before 5.0",
    ),
    (
        LEAST
        + CARRIERS.replace("}]", ", version: 5.0}]")
        + "routes: [{name: r, to: 44, broadcast: true, carriers: sim}]",
        "f:6: routes[0].to: a broadcast has no destination",
    ),
    (
        LEAST
        + CARRIERS.replace("}]", ", version: 5.0}]")
        + "routes: [{name: r, broadcast: true, carriers: sim}, {name: a, carriers: sim}]",
        None,
    ),
    (
        LEAST + "storage: {directory: d}\ntraffic: {directory: ./d/}",
        "f:6: traffic.directory: must not be storage.directory",
    ),
    (
        LEAST + CARRIERS.replace("}]", ", id_rule: {response: hex}}]"),
        "f:5: carriers[0].id_rule: pins response and receipt, or neither",
    ),
    (LEAST + CARRIERS.replace("}]", ", id_rule: {response: hex, receipt: any}}]"), None),
    (
        LEAST.replace("demo\n", "demo\n  distribution_lists: {none: []}\n"),
        "f:4: accounts[0].distribution_lists.none: must have 1 to 255 numbers",
    ),
    (
        LEAST.replace("demo\n", "demo\n  distribution_lists: {two: ['1', '+2']}\n"),
        None,
    ),
    (
        LEAST + "predefined_messages: {0: x}",
        "f:5: predefined_messages.0: '0' must be a whole number from 1 to 255",
    ),
    (
        LEAST + "storage: {segment: 1MiB}",
        "f:5: storage.segment: must be from 4096KiB to 1048576KiB",
    ),
]


@pytest.mark.parametrize(("text", "problem"), DISAGREE)
def test_what_must_agree(text: str, problem: str | None) -> None:
    assert problems(text) == ([problem] if problem else [])
