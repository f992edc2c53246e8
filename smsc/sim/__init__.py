"""Simulators shipped to users: a load generator and a carrier, both on the product's own codec.

    load.py client.py         an ESME that submits as fast as asked and checks what comes back
    template.py ledger.py     what it submits; what it was promised and what it got
    carrier.py link.py        an SMSC that answers as configured: slow, faulty, flapping
    profile.py dialect.py     how it behaves; how it writes ids and receipts
    wheel.py                  what is due when, for delays
    report.py result.py       latency buckets, live progress, summaries
    process.py                a server or simulator as a process: ports, CPU, memory

Each simulator is one process with one loop and keeps no task or future per message, so that it
outruns the server it measures. The server uses nothing of this.
"""
