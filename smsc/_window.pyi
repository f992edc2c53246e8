"""The requests of ours that are sent and not answered, of one session, in C."""

class Window:
    """By sequence number, and in the order of sending. All wait equally long.

    A request stands for something of its owner's: an ``id`` of 64 bits, and the number of an
    ``attempt``.
    """

    @property
    def count(self) -> int:
        """How many they are."""

    @property
    def id(self) -> int:
        """What the request stood for that was taken last."""

    @property
    def attempt(self) -> int:
        """And its attempt."""

    def has(self, sequence: int) -> bool:
        """Whether a request with this number is here."""

    def put(self, sequence: int, answer: int, deadline: int, id: int, attempt: int = 0) -> None:
        """A request leaves that the command ``answer`` answers, until ``deadline``.

        Its sequence number is not here, and no deadline before it is later. Raises MemoryError.
        """

    def take(self, sequence: int, command_id: int) -> bool:
        """Take out what a response or generic_nack with these is for, as ``id`` and ``attempt``.

        It counts only if the sequence is outstanding and the command fits; anything else changes
        nothing, and the request keeps waiting (3.4 section 5.1.4).
        """

    def expired(self, now: int, most: int) -> list[tuple[int, int, int]]:
        """Take out ``(sequence, id, attempt)`` of what is overdue, oldest first."""

    def leftovers(self) -> list[tuple[int, int]]:
        """Take out all: ``(id, attempt)``, oldest first."""
