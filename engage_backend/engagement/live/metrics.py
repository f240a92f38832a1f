"""What a consumer tells Prometheus, on a port of its own. No figure is about a person."""

from __future__ import annotations

import time
from typing import Any

from engage_backend.engagement.live.consumer import Taken


class Metrics:
    """Serves `/metrics` until it is closed. Raises ImportError without prometheus-client, OSError where the port is taken."""

    def __init__(self, source: str, port: int) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

        registry = CollectorRegistry()
        labels: Any = {"labelnames": ("source",), "registry": registry}
        self._records = Counter("engage_records", "Records read.", **labels).labels(source)
        self._events = Counter("engage_events", "Records that are events.", **labels).labels(source)
        self._left_out = Counter(
            "engage_left_out", "Records not taken in, by reason.", ("source", "reason"), registry=registry
        )
        self._seconds = Histogram(
            "engage_batch_seconds",
            "From having read a batch to having stored the predictions that it changed.",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
            **labels,
        ).labels(source)
        self._last_event = Gauge("engage_last_event_timestamp_seconds", "Time of the youngest event.", **labels).labels(
            source
        )
        self._last_step = Gauge(
            "engage_last_step_timestamp_seconds", "When it last looked for records.", **labels
        ).labels(source)
        self._other = Gauge(
            "engage_other_reader", "1 while another consumer reads the same source: stop one.", **labels
        ).labels(source)
        self._source = source
        self._youngest = 0
        self._server, self._thread = start_http_server(port, registry=registry)
        self.port = int(self._server.server_port)

    def batch(self, taken: Taken) -> None:
        """Count a batch; also an empty one, which says that the consumer lives."""
        self._last_step.set(time.time())
        self._other.set(1 if taken.other else 0)
        if not taken.records:
            return
        self._records.inc(taken.records)
        self._events.inc(taken.events)
        for reason, count in taken.rejected.items():
            self._left_out.labels(self._source, reason).inc(count)
        self._seconds.observe(taken.seconds)
        if taken.last is not None and taken.last > self._youngest:
            self._youngest = taken.last
            self._last_event.set(taken.last / 1e6)

    def close(self) -> None:
        """Serve no longer."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
