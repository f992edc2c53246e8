"""Metrics of the log, and of what is kept beside it."""

from __future__ import annotations

from smsc.errors import StorageError
from smsc.metrics.family import Family, Process, Samples, one


def _disk(app: Process) -> Samples:
    try:
        yield (), app.log.free_octets
    except StorageError:
        return


STORAGE: tuple[Family, ...] = (
    # The log.
    Family(
        "smsc_log_frames_total", "Group commits made durable.", (),
        one(lambda app: app.commit.frames),
    ),
    Family(
        "smsc_log_durable_frame", "Number of the newest frame known to be on disk.", (),
        one(lambda app: app.log.durable),
    ),
    Family(
        "smsc_log_pending_bytes", "Appended and not durable yet.", (),
        one(lambda app: app.log.pending_octets),
    ),
    Family(
        "smsc_log_sync_under_way_seconds", "Since the commit under way began; 0 without one.", (),
        one(lambda app: app.log.stalled_us() / 1e6),
    ),
    Family(
        "smsc_log_congested", "1 while clients are not read because the disk is behind.", (),
        one(lambda app: app.commit.congested),
    ),
    Family(
        "smsc_log_size_bytes", "Disk space of the log.", (), one(lambda app: app.log.octets),
    ),
    Family("smsc_log_free_bytes", "Free space of its file system.", (), _disk),
    Family(
        "smsc_log_room", "1 while there is space to admit messages.", (),
        one(lambda app: app.log.room),
    ),
    Family(
        "smsc_log_failed", "1 when the log is dead.", (), one(lambda app: app.failed.done()),
    ),
    Family(
        "smsc_log_epoch", "How often the log was opened.", (), one(lambda app: app.log.epoch),
    ),
    Family(
        "smsc_log_segments_released_total", "Segments forgotten.", (),
        one(lambda app: app.core.forgetting.released),
    ),
    Family(
        "smsc_log_carried_total", "Messages and mails written again to free an old segment.", (),
        one(lambda app: app.core.forgetting.carried),
    ),
    Family(
        "smsc_recovered_frames", "Frames read at the start.", (),
        one(lambda app: app.log.recovered.frames),
    ),
    Family(
        "smsc_recovered_records", "Records read at the start.", (),
        one(lambda app: app.log.recovered.records),
    ),
    Family(
        "smsc_recovered_torn_bytes", "Cut off the end of the log at the start.", (),
        one(lambda app: sum(app.log.recovered.torn.values())),
    ),
    Family(
        "smsc_recovered_clean", "1 if the log had been closed in order.", (),
        one(lambda app: app.log.recovered.clean),
    ),
    Family(
        "smsc_recovery_seconds", "How long the start took until the log was ready.", (),
        one(lambda app: app.recovery_ms / 1_000),
    ),
    Family(
        "smsc_recovered_bytes", "Of the log, read at the start besides a checkpoint.", (),
        one(lambda app: app.log.recovered.octets),
    ),
    Family(
        "smsc_recovered_from_checkpoint", "1 if the start had one to begin with.", (),
        one(lambda app: app.log.recovered.from_checkpoint),
    ),
    Family(
        "smsc_recovered_checkpoint_doubted", "1 if there was one and it was not used.", (),
        one(lambda app: bool(app.log.doubted)),
    ),
    # Checkpoints.
    Family(
        "smsc_checkpoint_timestamp_seconds", "Up to when the log is in the newest; 0: none.", (),
        one(lambda app: 0 if (at := app.log.kept_checkpoint) is None else at.mark.time_ms / 1e3),
    ),
    Family(
        "smsc_checkpoint_size_bytes", "Of the newest one.", (),
        one(lambda app: 0 if (made := app.log.kept_checkpoint) is None else made.octets),
    ),
    Family(
        "smsc_checkpoint_behind_bytes", "Of the log in finished segments behind it.", (),
        one(lambda app: app.log.behind),
    ),
    Family(
        "smsc_checkpoints_made_total", "Checkpoints made.", (),
        one(lambda app: app.checkpointing.made),
    ),
    Family(
        "smsc_checkpoint_failures_total", "Checkpoints that could not be made.", (),
        one(lambda app: app.checkpointing.failures),
    ),
    # Beside the log.
    Family(
        "smsc_bodies_cached_bytes", "Messages at hand in memory.", (),
        one(lambda app: app.core.bodies.octets),
    ),
    Family(
        "smsc_bodies_misses_total", "Messages that had to be read back from the log.", (),
        one(lambda app: app.core.bodies.misses),
    ),
    Family(
        "smsc_traffic_records_total", "Records written to the traffic log.", (),
        one(lambda app: app.traffic.records),
    ),
)  # fmt: skip
