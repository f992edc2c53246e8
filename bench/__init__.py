"""What the server costs, and how that is found out. ``python -m bench`` (``make bench``) runs it.

    world.py limit/ smpp34_echo.py   the processes: server, carriers, peers to compare with
    generator/ smpp.h                the load, and what its C and that of the limit share
    track.py run.py                  one load against one of them: CPU, memory, syncs, latencies
    matrix.py                        what is varied, and how often each line is measured
    backlog.py crowd.py              what stands there costs: owed messages, idle binds
    codecs.py                        other people's codecs beside ours
    spread.py                        medians, quantiles, spread
    found.py report.py               all that a run came to; tables for people
    plots.py chart.py                charts as SVG
    __main__.py                      the command

    machine.py cc.py                 where it was measured; C made by its compiler

    pauses.py collecting.py          everything that could stop the loop (``make pauses``)
    probe.py timeline.py             a message every 10 ms through it; what went on meanwhile
    instructions.py counted.py       instructions per message, which no neighbour disturbs
    way.py counting.c                what is counted for that; where counting begins and ends
    test_*.py storage_compare.py     micro-benchmarks (``pytest bench/``), and other storage engines

Every line is measured several times, all lines in turn, so that what disturbs the machine falls on
all of them. What is measured is what ``smsc serve`` runs, with everything on.
"""
