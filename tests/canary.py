"""Numbers and texts that are nowhere else, and the search for them in raw octets."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path

#: A number of the range for tests, and a text, each by a token of seven digits or letters.
NUMBER = "447700900{:03d}"


def gsm_packed(plain: str) -> bytes:
    """Seven bits a character, as GSM 03.38 packs them."""
    bits = "".join(format(ord(c), "07b")[::-1] for c in plain)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))


def forms(plain: str) -> dict[str, bytes]:
    """Everything that a text or number may look like on a disk."""
    octets = plain.encode("ascii")
    wide = plain.encode("utf-16-be")
    packed = gsm_packed(plain)
    swapped = "".join(b + a for a, b in zip(plain[::2], plain[1::2], strict=False))
    found = {
        "as it is": octets,
        "UCS-2": wide,
        "UCS-2, little endian": plain.encode("utf-16-le"),
        "semi-octets": bytes.fromhex(swapped) if plain.isdigit() else b"",
    }
    # A packed text begins anywhere in an octet: only whole octets of each shift are looked for.
    for shift in range(8):
        number = int.from_bytes(packed, "little") << shift
        moved = number.to_bytes(len(packed) + 1, "little")
        found[f"packed, shifted by {shift}"] = moved[1:-2]
    for name, value in (("hex", octets), ("hex of UCS-2", wide), ("hex of packed", packed)):
        found[name] = value.hex().encode()
        found[name + ", upper case"] = value.hex().upper().encode()
    for at in range(3):  # three phases, and of each what does not depend on the neighbours
        encoded = base64.b64encode(bytes(at) + octets)
        found[f"base64 {at}"] = encoded[(0, 2, 3)[at] : -4]
    return {name: value for name, value in found.items() if len(value) >= 6}


def files(directory: Path) -> Iterator[Path]:
    yield from (path for path in sorted(directory.rglob("*")) if path.is_file())


def found(canaries: Iterable[str], paths: Iterable[Path]) -> list[str]:
    """Where which canary is, and in what form."""
    wanted = [(name, form, octets) for name in canaries for form, octets in forms(name).items()]
    seen = []
    for path in paths:
        data = path.read_bytes()
        seen += [f"{path.name}: {name} {form}" for name, form, octets in wanted if octets in data]
    return seen


__all__ = ["NUMBER", "files", "forms", "found", "gsm_packed"]
