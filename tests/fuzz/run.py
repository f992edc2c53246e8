"""Throw garbage at a target until time is up.

    run.py TARGET SECONDS [--guided]

Random mixtures of the seeds, by any build of the extensions; or guided by coverage (atheris), if
they were built for that. A finding ends the run and is printed as octets in hex.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable

Target = Callable[[bytes], None]


def mixtures(target: Target, seeds: list[bytes], seconds: float) -> int:
    """How many were tried; a finding is printed and raised."""
    from targets import mangled, pokes, truncations

    chance = random.Random()
    end = time.monotonic() + seconds
    tried = 0
    for seed in seeds:
        for garbage in (*truncations(seed[:400]), *pokes(seed[:400])):
            shown(target, garbage)
            tried += 1
    while time.monotonic() < end:
        for _ in range(200):
            shown(target, mangled(chance.choice(seeds), chance))
        tried += 200
    return tried


def shown(target: Target, garbage: bytes) -> None:
    try:
        target(garbage)
    except BaseException:
        print("finding:", garbage.hex(), file=sys.stderr)
        raise


def guided(name: str, seconds: float) -> None:
    """By atheris: what reaches new code is kept and changed further."""
    import tempfile
    from pathlib import Path

    import atheris

    with atheris.instrument_imports(include=["smsc"]):
        import targets
    with tempfile.TemporaryDirectory() as directory:
        for number, seed in enumerate(targets.seeds(name)):
            (Path(directory) / f"{number:03}").write_bytes(seed)
        options = [f"-max_total_time={seconds:.0f}", "-max_len=2048", "-print_final_stats=1"]
        options += ["-artifact_prefix=build/guided/", directory]
        atheris.Setup([sys.argv[0], *options], targets.TARGETS[name])
        atheris.Fuzz()


def main() -> None:
    name, seconds = sys.argv[1], float(sys.argv[2])
    if "--guided" in sys.argv:
        guided(name, seconds)
        return
    import targets

    tried = mixtures(targets.TARGETS[name], targets.seeds(name), seconds)
    print(f"{name}: {tried} tried on {targets.BUILD}, no finding")


if __name__ == "__main__":
    main()
