"""kill -9 of the real server under load, again and again.

Three witnesses that know nothing of each other must agree in the end: what the client saw
acknowledged, what the carrier took, and the server's own logs. After every kill: what was
acknowledged was taken or is owed. After all is drained: taken; more than once only where the log
itself doubted; and one traffic record of each message, exactly.

The negative control is the same server with answers that do not wait for the disk.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import evidence
import pytest
import servers
from servers import until

from smsc.sim.process import Process

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("SMSC_KILLS", "8"))
#: Messages a second: enough that something is under way at every moment.
RATE = 2_000
#: Messages acknowledged in one life of the server, at least and at most; and for each life of the
#: whole run, those included whose answer a kill took away.
LIFE = 50, 1_500
SHARE = 2_200


def acknowledged(directory: Path) -> int:
    return (directory / "acked").read_bytes().count(b"\n")


def kill_at_a_random_moment(directory: Path, server: Process, dice: random.Random) -> None:
    """Some acknowledgements and a fraction of a batch from now."""
    least = acknowledged(directory) + dice.randint(*LIFE)
    until(lambda: acknowledged(directory) >= least or not server.running, "the load stands still")
    assert server.running, server.output()[-2000:]
    time.sleep(dice.random() * 0.02)
    assert server.kill() == -signal.SIGKILL


def kill_while_recovering(directory: Path) -> None:
    """As soon as the new segment is being written that all else rests on."""
    journal = directory / "journal"
    before = set(journal.iterdir())
    output = subprocess.DEVNULL
    starting = subprocess.Popen(servers.command(directory), stdout=output, stderr=output)
    try:
        until(
            lambda: any(
                path not in before and path.name != "probe.tmp" for path in journal.iterdir()
            ),
            "no recovery",
        )
    finally:
        starting.kill()
    assert starting.wait() == -signal.SIGKILL


def drain(directory: Path, client: subprocess.Popen[bytes], server: Process) -> None:
    """Let the client get all its receipts and the server finish what nobody waits for."""
    client.wait(servers.PATIENCE * 2)
    until(lambda: not evidence.owed(directory / "journal"), "messages are owed for ever")
    assert server.stop() == 0, server.output()[-2000:]


def test_killed_under_load_it_loses_nothing_and_doubles_only_what_it_doubted(
    tmp_path: Path,
) -> None:
    seed = int(os.environ.get("SMSC_SEED", random.SystemRandom().getrandbits(32)))
    print(f"SMSC_SEED={seed} SMSC_KILLS={KILLS}")
    dice = random.Random(seed)
    archive = tmp_path / "archive"
    with servers.carrier(tmp_path, "--delay", "5", "--jitter", "20") as carrier:
        port = servers.free_port(dice)
        servers.configuration(tmp_path, port, carrier.ports["carrier"])
        server = servers.serve(tmp_path)
        client = servers.load(
            tmp_path,
            port,
            *("--connections", "2", "--window", "100", "--messages", str((KILLS + 1) * SHARE)),
            *("--rate", str(RATE), "--receipts", "--reconnect"),
        )
        try:
            for kill in range(KILLS):
                kill_at_a_random_moment(tmp_path, server, dice)
                evidence.keep(tmp_path / "journal", archive)
                assert evidence.lost(tmp_path) == set(), f"after kill {kill}"
                if kill == KILLS // 2:
                    kill_while_recovering(tmp_path)
                    evidence.keep(tmp_path / "journal", archive)
                    assert evidence.lost(tmp_path) == set(), "after a kill while recovering"
                server = servers.serve(tmp_path)
            drain(tmp_path, client, server)
        finally:
            client.kill()
            client.wait()
            server.kill()
    evidence.keep(tmp_path / "journal", archive)
    told = json.loads((tmp_path / "load.json").read_text())
    doubles = sum(copies > 1 for copies in evidence.taken(tmp_path).values())
    print(f"{told['acknowledged']} acknowledged, {told['unknown']} unknown, {doubles} sent twice")
    assert doubles, "no kill met anything under way"
    assert evidence.complaints(tmp_path, archive) == []
    assert told["receipts_missing"] == 0, "acknowledged, and never receipted"
    assert (told["refused"], told["duplicate_ids"], told["receipts_malformed"]) == ({}, 0, 0)
    assert told["connections_lost"] >= KILLS, "nobody was there to be killed"
    assert "Traceback" not in server.output() and "fault in" not in server.output()


def test_control_a_server_that_does_not_wait_for_the_disk_is_found_out(tmp_path: Path) -> None:
    dice = random.Random(1)
    for attempt in range(8):
        directory = tmp_path / str(attempt)
        directory.mkdir()
        with servers.carrier(directory, "--delay", "50") as carrier:
            servers.configuration(directory, 0, carrier.ports["carrier"], window=10)
            server = servers.serve(directory, hasty=True)
            client = servers.load(
                directory, server.ports["main"], "--messages", "0", "--connections", "4"
            )
            try:
                kill_at_a_random_moment(directory, server, dice)
                client.wait(servers.PATIENCE)
            finally:
                client.kill()
                client.wait()
                server.kill()
        if evidence.lost(directory):
            return
    pytest.fail("nothing that was answered before it was stored was missed")
