"""``python -m smsc``: the command line."""

import sys

from smsc.cli import main

sys.exit(main())
