"""Another carrier for what waits: who is looked at for it, and what is read from disk."""

from __future__ import annotations

import pytest

from tests.keeper import BASE, Client, Keeper, Relay, submit_sm

#: Each carrier has numbers of its own, some have the choice, and one account has a way of its own.
ROUTES = (
    BASE[: BASE.index("routes:")]
    + """
routes:
  - {name: ones, to: '44', carriers: [one]}
  - {name: twos, to: '49', carriers: [two]}
  - {name: theirs, to: '44', account: other, carriers: [one, two]}
"""
)
CHOICE = ROUTES.replace(
    "name: ones, to: '44', carriers: [one]", "name: ones, to: '44', carriers: [one, two]"
)

COUNT = 20


def waiting(text: str, account: bytes = b"acme") -> Keeper:
    """A keeper with messages for carrier one, which is away and whose bodies are on disk alone."""
    keeper = Keeper(text=text)
    for id in keeper.submit(Client(keeper, account), *[submit_sm() for _ in range(COUNT)]):
        keeper.core.bodies.drop(id)
    return keeper


def others_come(keeper: Keeper) -> Relay:
    """The other carrier is there, and there again: each time those that wait are looked at."""
    for _ in range(2):
        two = Relay(keeper, b"two", window=1000)
        keeper.core.carrier_up(two)
        keeper.run(10_000)
        if two.sent:
            break
        keeper.core.carrier_down(two, [], [])
        keeper.run(10_000)
    return two


def test_no_body_is_read_of_what_can_go_nowhere_else() -> None:
    keeper = waiting(ROUTES)
    assert not others_come(keeper).sent
    assert keeper.core.bodies.misses == 0
    one = Relay(keeper, b"one", window=1000)
    keeper.core.carrier_up(one)
    keeper.run()
    assert len(one.sent) == COUNT


@pytest.mark.parametrize(
    ("text", "account"), [(CHOICE, b"acme"), (ROUTES, b"other")], ids=["all", "one account"]
)
def test_what_has_the_choice_goes(text: str, account: bytes) -> None:
    assert len(others_come(waiting(text, account)).sent) == COUNT


def test_with_nobody_to_go_to_no_body_is_read() -> None:
    keeper = waiting(CHOICE)
    keeper.run(60_000)
    assert keeper.core.bodies.misses == 0


@pytest.mark.parametrize(("text", "moved"), [(ROUTES, 0), (CHOICE, COUNT)], ids=["same", "changed"])
def test_after_a_restart_the_routes_may_be_others(text: str, moved: int) -> None:
    keeper = waiting(ROUTES)
    keeper.text = text
    again = keeper.crash()
    assert len(others_come(again).sent) == moved
    assert again.core.bodies.misses, "what came before may have any route of today"
