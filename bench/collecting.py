"""The server, which also collects its garbage in full whenever it gets SIGUSR1. For ``pauses``.

python -m bench.collecting serve --config FILE ...
"""

from __future__ import annotations

import gc
import signal
import sys

from smsc.cli import main

if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, lambda *_: gc.collect())
    sys.exit(main())
