"""The last snapshot, on disk: what a server starts with while its database is away.

One file, open to the server's own user alone and replaced as a whole whenever the snapshot is
another: JSON of ``snapshot.Rows``, in which a secret stands only as the hash that the database
holds. What was taken out of the database is overwritten here with the next snapshot.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

from smsc import files
from smsc.db.snapshot import Rows

log = logging.getLogger(__name__)

#: Of what is in the file; another is as good as none.
VERSION = 1


class Kept:
    """See the module."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Rows | None:
        """What was written last; None if there is nothing, or nothing that can be used."""
        try:
            value = json.loads(self.path.read_bytes())
            if value.pop("version") == VERSION:
                return Rows(**value)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, AttributeError, KeyError, TypeError):
            pass
        log.error("%s is damaged, or of another version: it is no snapshot", self.path)
        return None

    def revision(self) -> int:
        """The newest that was seen of the database; 0 if nothing is known."""
        rows = self.read()
        return 0 if rows is None else rows.revision

    def write(self, rows: Rows) -> None:
        """Replace it, durably. That it can't be had now is said, and changes nothing else."""
        data = json.dumps({"version": VERSION, **rows._asdict()}).encode()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            files.finish(self.path)
            owner = self.path.stat() if self.path.exists() else None
            files.replace(self.path, data)
            if owner is not None:  # a command may be run by root, and is not to lock the server out
                os.chown(self.path, owner.st_uid, owner.st_gid)
        except OSError as error:
            log.error(
                "%s can't be written: %s; a start without the database would not know of this",
                self.path, error.strerror,
            )  # fmt: skip
