"""The log: an append-only sequence of frames in segment files, one writer, group commit.

    journal = Journal("/var/lib/smsc/log")
    journal.replay(apply)                   # everything on disk, oldest first
    journal.begin(now)                      # a frame is open
    position = journal.append(1, head, body)
    number = journal.seal()                 # on its way to disk
    ...                                     # fileno() becomes readable
    if journal.poll() >= number: ...        # durable: now say yes

What is promised: once ``poll`` has returned a frame's number, that frame survives the loss of
power, whole; of a frame that was not reported either all records survive or none. Recovery says
which of the two a damaged place is: the tail of a frame never reported (cut, and kept as evidence)
or damage to what was reported (CorruptLog, the start stops). Assumed of the disk: what fdatasync
confirmed stays, and a write that is cut by a power loss spoils no sector it did not write.

One doubt remains and can't be removed by software: damage of the medium to the very last frame, at
the moment of a power loss, looks like a torn tail. ``Journal.idle`` and ``close`` write a seal
behind it, so that this concerns only a log that was busy. That the oldest or the newest segments
were deleted by hand is not seen here either; a gap between segments is.

``smsc.journal.inspect`` verifies a directory and saves what can be saved of a damaged one.

Files
=====

    0000000000000001.log        a segment; the number in hexadecimal
    0000000000000001.torn       the tail that recovery cut off that segment; goes when it goes
    *.tmp                       under work; removed at the next start

Segment numbers and frame numbers only grow; neither is ever used twice. The directory is locked
(flock) by the process that has the log open.

All integers are little-endian. CRC is CRC32C (RFC 3720 B.4). ``salt`` is 64 random bits of the
segment: octets from another segment, or sent by a client, never check.

Segment
-------

A header, frames one behind the other, zeros to the end. A segment of an earlier run is never
written again, but for cutting its tail.

    octets  what
         8  "smsclog" and a line feed
         2  version of this format: 2
         2  partition: which log of several
         4  epoch: which opening of this log made the segment, from 1
         8  number, as in the file's name
         8  salt, never 0
         4  zero
         8  octets the file was filled to
         8  time made, milliseconds since 1970 UTC; for people only
         8  zero
         4  CRC of all before

Frame
-----

One group commit. Starts at a multiple of 8.

    octets  what
         4  "smsF"
         1  version: 1
         1  flags: 1 copy, 2 clean end
         2  partition
         8  salt of the segment
         4  epoch of the run that wrote the records
         4  how many records, seals not counted
         8  number: one more than that of the frame before
         8  time, milliseconds since 1970 UTC; never less than that of the frame before
         4  octets of the frame, this header included
         4  chain: the header CRC of the frame before; 0 in the first of all
         4  digest: CRC register over the CRCs of the records, in order, started with all ones
         4  CRC of the header so far

A frame without records seals: it proves the one before it durable. A *copy* is what recovery makes
of the last sound frame, as the first of a new segment; it has that frame's number, chain and
records, and replaces that frame, and whatever may stand behind it, in older segments.

Frame N+1 is written only after the fdatasync of frame N has returned. Hence any sound header of a
later frame, even with its records torn, proves that all frames before it were durable.

Record
------

Starts at a multiple of 8; the rest to the next one is zeros.

    octets  what
         4  CRC of salt, offset of the record in its segment (4 octets), and the record behind this
            field, with its padding
         4  octets of the record, without padding: at most 192 KiB
         1  kind, from 1 to 254; 255: a seal
         1  octets of the head
            head, in clear
            body

Seal
----

Where bodies are sealed (``Cipher``), those of some 32 KiB of records are sealed at once, so that it
costs little and one of them is still read back for little. A seal is a record of kind 255 without a
body that stands before them; its head:

    octets  what
        12  nonce
        16  tag
         4  octets of the seal and the records behind it that it covers

Sealed are the bodies, one behind the other, as one text; bound to it is all else of these records
but their CRCs. A sealed body begins, in clear, with 4 octets that say how far before its record
the seal is. CRCs are over what is stored, so that a log is replayed, verified and salvaged without
keys.

A record's *position* is ``segment number << 32 | offset in the segment``.
"""

from smsc.journal.disk import Disk, RealDisk
from smsc.journal.log import Journal
from smsc.journal.recovery import Report
from smsc.journal.sim import SimLog

__all__ = ["Disk", "Journal", "RealDisk", "Report", "SimLog"]
