"""What came a moment ago, at hand (see ``_fresh.pyx``)."""

#: How many can be at hand at once.
PLACES: int

class Fresh:
    """Octets by id (not 0)."""

    def keep(self, id: int, octets: bytes) -> None:
        """Have them at hand; what shares their place has to go."""

    def take(self, id: int) -> bytes | None:
        """They are needed, or not any more: out of here. None if they are not at hand."""
