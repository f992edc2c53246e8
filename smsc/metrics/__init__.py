"""What the process has counted, as Prometheus metrics, read when somebody asks.

Owns the names and meanings of all metrics (``FAMILIES``, ``HISTOGRAMS``, ``ACCOUNT_FAMILIES``).

    family      what a metric is, and what it is read from
    messages, links, storage, retention, accounts    tables of what is counted there
    collect     all of them, as they are served

Nothing here is called on the message path: a scrape reads integers that are kept anyway, so it
costs nothing while nobody scrapes. Counters begin at 0 with the process.

Labels hold names of the configuration (carrier, listener), SMPP's own words (status, state), and
words of these modules; never an address, a text or a number that a peer chose. Series per account
are traffic data, so they are a collector of their own (``Accounts``).

Units and names by https://prometheus.io/docs/practices/naming/.
"""

from smsc.metrics.accounts import ACCOUNT_FAMILIES
from smsc.metrics.collect import FAMILIES, HISTOGRAMS, Accounts, Figures, process_registry, registry
from smsc.metrics.family import Family, Histogram, Process, state_name, status_name
from smsc.metrics.messages import Stages

__all__ = [
    "ACCOUNT_FAMILIES",
    "FAMILIES",
    "HISTOGRAMS",
    "Accounts",
    "Family",
    "Figures",
    "Histogram",
    "Process",
    "Stages",
    "process_registry",
    "registry",
    "state_name",
    "status_name",
]
