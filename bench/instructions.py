"""Instructions per message on the whole way, counted by valgrind: the same in every run.

    python bench/instructions.py

Clock and neighbours make microseconds doubtful on a shared machine; what the server's own process
executes in user mode does not depend on them. Two scripts of different length are replayed
(``bench/way.py``), and the difference is shared out among the messages between them, so that what a
start costs drops out. The kernel's and uvloop's part is not in it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
WAY = ROOT / "bench" / "way.py"
FEW, MANY = 1_000, 5_000
COUNTED = re.compile(rb"Collected : (\d+)")

#: Which bind takes a message follows from a hash; the replay must choose as the recording did.
ENVIRONMENT = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT)}


def counted(messages: int, directory: Path) -> int:
    """Instructions of a process that sees so many messages through."""
    script = directory / f"{messages}.way"
    way = [sys.executable, str(WAY)]
    record = [*way, "record", str(script), "--messages", str(messages)]
    subprocess.run(record, check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory / 'out'}"]
    replay = [*valgrind, *way, "replay", str(script)]
    told = subprocess.run(replay, check=True, env=ENVIRONMENT, capture_output=True).stderr
    found = COUNTED.search(told)
    assert found is not None, told
    return int(found[1])


def main() -> int:
    if shutil.which("valgrind") is None:
        print("this needs valgrind (apt-get install valgrind)", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as directory:
        few, many = (counted(messages, Path(directory)) for messages in (FEW, MANY))
    print(f"{(many - few) / (MANY - FEW):,.0f} instructions per message, receipt included")
    return 0


if __name__ == "__main__":
    sys.exit(main())
