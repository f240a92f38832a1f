"""The site's Celery: its queue is a folder in the home, so that it needs no server beside it.

`python -m celery -A engage_backend.demo.celery_app worker` is the process that sends messages; `apps.py` makes this the
app of every other process of the site, so that what they enqueue comes here. An LMS has a Celery of its own.
"""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "engage_backend.demo.settings")
app = Celery("engage")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.set_default()
