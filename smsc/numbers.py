"""Numbers as people write them, and the one form in which they can be compared.

The canonical form is the digits of E.164: country code and national number, no ``+``. What an
address is follows from its TON and NPI (5.0 4.7.1, 4.7.2), and where these leave it open from its
digits. How long a country's numbers are, what stands before them and how they dial abroad is
``phonenumbers``' knowledge; it is asked behind a bounded cache, and not at all for what is
international as it stands. Pure.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias

UNKNOWN, INTERNATIONAL, NATIONAL, NETWORK, _SUBSCRIBER, ALPHANUMERIC, ABBREVIATED = range(7)
ISDN = 1

#: NPIs under which an address may be a telephone number: unknown, E.164, national.
_NPIS = frozenset({0, ISDN, 8})

#: TONs whose addresses mean something to one network only.
_LOCAL_TONS = frozenset({NETWORK, ABBREVIATED})

#: E.164 6.1: at most 15 digits with the country code. The shortest numbers in use have 7; what is
#: shorter and stands without a prefix is a short code.
LONGEST, SHORTEST = 15, 7

#: Numbers whose reading is remembered. A miss costs some 100 microseconds.
CACHED = 20_000

Kind: TypeAlias = Literal["number", "short_code", "alphanumeric"]


def region(text: str) -> str:
    """A country by its two letters (ISO 3166), as ``phonenumbers`` knows it."""
    import phonenumbers  # a fifth of a second: only for those who name a region

    if text not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"{text!r} must be a country's two letters: DE, GB, US")
    return text


def kind(ton: int, address: bytes) -> Kind:
    """What a source address is to a carrier that does not take every kind."""
    if ton == ALPHANUMERIC:
        return "alphanumeric"
    digits = address.removeprefix(b"+")
    return "short_code" if ton in _LOCAL_TONS or len(digits) < SHORTEST else "number"


def e164(ton: int, npi: int, address: bytes, region: str = "") -> bytes | None:
    """The E.164 digits of an address, or None where it is not one of the world's numbers.

    ``region`` is the country that the writer is in; without one only what is international can be
    read. Digits of unknown type and without a prefix are international if they can be, as SMPP's
    users mostly mean them, and else national.
    """
    if npi not in _NPIS:
        return None
    digits = address
    if ton in (UNKNOWN, INTERNATIONAL) and address[:1] == b"+":
        digits = address[1:]
        ton = INTERNATIONAL
    if ton not in (UNKNOWN, INTERNATIONAL, NATIONAL) or not digits.isdigit():
        return None
    # No country code begins with 0: a client that says "international" and writes a prefix of its
    # country does not mean it.
    if ton == INTERNATIONAL and digits[:1] != b"0":
        return digits if SHORTEST <= len(digits) <= LONGEST else None
    if len(digits) < SHORTEST and digits[:1] != b"0":
        return None
    return _read(digits, region, ton == NATIONAL)


@lru_cache(maxsize=CACHED)
def _read(digits: bytes, region: str, national: bool) -> bytes | None:
    """What ``phonenumbers`` makes of digits: the first way to read them that gives a number."""
    text = digits.decode("ascii")
    if not national and (found := _possible("+" + text, None)):
        return found
    if text.startswith("00") and not national and (found := _possible("+" + text[2:], None)):
        return found
    return _possible(text, region) if region else None


def _possible(text: str, region: str | None) -> bytes | None:
    """The number, if it is as long as its country's numbers are."""
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    length = phonenumbers.is_possible_number_with_reason(number)
    if length != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:].encode()


@lru_cache(maxsize=CACHED)
def national(digits: bytes, region: str) -> bytes | None:
    """E.164 digits without the country code of ``region``; None if it is not a number of there."""
    import phonenumbers

    try:
        number = phonenumbers.parse("+" + digits.decode("ascii"), None)
    except phonenumbers.NumberParseException:
        return None
    if number.country_code != phonenumbers.country_code_for_region(region):
        return None
    return phonenumbers.national_significant_number(number).encode()
