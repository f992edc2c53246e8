"""The least that a configuration needs, as text, and what is wrong with one."""

from __future__ import annotations

from smsc import reading

HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1"
    "$iusBMW5VkPI5cGMeBJjK8g$1tF2IyP8FLIFT18Gi2moWCPpgL5ynEpImwz8DJK3WkU"
)

LISTENERS = "listeners: [{name: main, port: 0}]\n"
ACCOUNTS = f"accounts:\n- system_id: demo\n  password_hash: {HASH}\n"
CARRIERS = "carriers: [{name: sim, host: 127.0.0.1, port: 2776, system_id: us, password: pw}]\n"
LEAST = LISTENERS + ACCOUNTS


def problems(text: str) -> list[str]:
    """Every problem of a text, as an operator is told it; the file is ``f``."""
    return [str(error) for error in reading._read(text, "f")[1]]
