"""A consumer in a process of its own, to be killed: python -m tests.clickstream.stream_reader URL NAME FILE MOST.

It appends what it reads to the file, which stands for the database, and commits after that. With MOST it stops there
between reading and committing, says so, and waits for its end.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from engage_backend.clickstream.sources.redis_stream import RedisSource
from engage_backend.streams import Stream


def main(url: str, name: str, path: str, most: int) -> None:
    source = RedisSource(Stream(url, shards=2), consumer=name, claim_after=0.2)
    stored = 0
    with Path(path).open("ab", buffering=0) as file:
        while True:
            batch = source.read(50, 0.1)
            if most and stored + len(batch.records) >= most:
                sys.stdout.write("read\n")
                sys.stdout.flush()
                signal.pause()
            if batch.records:
                file.write(b"".join(record + b"\n" for record in batch.records))
                os.fsync(file.fileno())
            stored += len(batch.records)
            source.commit(batch.position)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
