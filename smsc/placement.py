"""Where a message is to go: what its number is, which network that is in, and so which route.

Puts together what the account says of its numbers, the table of networks, and the routes, so that
a message is judged the same when it is accepted, when its carrier is gone, and when somebody asks
why. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from smsc._pdu import Message
from smsc.addressing import Numbering, comparable
from smsc.config import AccountConfig, Config
from smsc.kinds import Sender
from smsc.networks import Networks
from smsc.numbers import SHORTEST
from smsc.routing import Explanation, Route, Router


class Placement:
    """See the module. A changed configuration is a new one."""

    def __init__(self, config: Config) -> None:
        self._router = Router(config.routes)
        self._networks = Networks(config.networks.prefixes) if config.networks.prefixes else None
        self._lookup = config.lookup

    def network(self, numbering: Numbering | None, message: Message) -> bytes:
        """The destination's network as its prefix tells it; empty where nothing does."""
        if self._networks is None:
            return b""
        if numbering is None:
            return self._networks.find(message.destination_addr)
        return self._networks.find(numbering.destination(message))

    def network_of_sender(self, message: Message) -> bytes:
        """The network of who sent an inbound message, by its prefix; empty where nothing tells."""
        number = message.source_addr.removeprefix(b"+")
        return self._networks.find(number) if self._networks and number.isdigit() else b""

    def route(
        self, account: bytes, numbering: Numbering | None, message: Message, network: bytes
    ) -> Route | None:
        """The route that wins; None if there is no way."""
        if numbering is None:
            # An address that no route asks for need not be read.
            source = message.source_addr if self._router.by_source else b""
            destination = message.destination_addr if self._router.by_destination else b""
            return self._router.find(account, source, destination, network)
        return self._router.find(
            account, numbering.source(message), numbering.destination(message), network
        )

    def question(
        self, account: bytes, numbering: Numbering | None, message: Message, route: Route
    ) -> bytes:
        """The number that is to be looked up for this message; empty for none."""
        wishes = self._lookup
        if wishes is None:
            return b""
        named = wishes.accounts or wishes.routes
        if named and account not in wishes.accounts and route.name not in wishes.routes:
            return b""
        return self.number(numbering, message)

    def number(self, numbering: Numbering | None, message: Message) -> bytes:
        """The destination's E.164 digits, as far as can be told; empty for what is no number."""
        if numbering is None:
            number = message.destination_addr.removeprefix(b"+")
        else:
            number = numbering.destination(message)
        return number if number.isdigit() and len(number) >= SHORTEST else b""

    def explain(
        self, name: bytes, account: AccountConfig | None, source: bytes, destination: bytes
    ) -> Explanation:
        """Which route a message between these addresses would take, as a person may write them."""
        region = account.numbers.region if account is not None else ""
        sender, number = (comparable(_written(one), region) for one in (source, destination))
        network = self._networks.find(number) if self._networks is not None else b""
        notes = [*_forms(region, (source, sender), (destination, number))]
        notes += [*self._by_prefix(number)]
        if self._lookup is not None:
            notes.append("a lookup may say otherwise: this is what holds without its answer")
        return self._router.explain(name, sender, number, network=network, notes=notes)

    def _by_prefix(self, number: bytes) -> Iterator[str]:
        if self._networks is None:
            return
        prefix = self._networks.prefix(number)
        if prefix:
            network = self._networks.find(number)
            yield f"network {network.decode()} by prefix {prefix.decode()}"
        else:
            yield "network unknown: no prefix of the table fits"


def _written(address: bytes) -> Sender:
    """What a person means: a name is alphanumeric, a number of unknown type."""
    return Sender(0, 1, address) if address.removeprefix(b"+").isdigit() else Sender(5, 0, address)


def _forms(region: str, *pairs: tuple[bytes, bytes]) -> Iterator[str]:
    for written, read in pairs:
        if written != read:
            where = f"in {region}" if region else "anywhere"
            yield f"{written.decode('ascii', 'replace')} {where} is {read.decode('ascii')}"
