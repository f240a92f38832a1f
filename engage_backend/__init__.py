"""Engage: a learner's click in Open edX becomes three probabilities, and, when an instructor says so, a message.

One Django app, plugged into LMS and Studio. Its rooms, from the top: `cli`, `demo` and `management`, `api`, `messaging`,
`governance`, `engagement` and `tap`, `clickstream`, `models`, `platform`. Each knows only what stands below it
(import-linter holds the order; see `pyproject.toml`).
"""

__version__ = "0.1.0"
