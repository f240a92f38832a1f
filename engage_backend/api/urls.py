"""Addresses of the REST API, version 1."""

from django.urls import path

from engage_backend.api.access_records import AccessRecordsView
from engage_backend.api.facets import FacetsView
from engage_backend.api.hindsight import HindsightView
from engage_backend.api.learners import LearnerView
from engage_backend.api.lookup import LookupView
from engage_backend.api.segments import CountView, PresetsView, SegmentsView, SegmentView
from engage_backend.api.tasks import HandedInView, TasksView
from engage_backend.api.views import PredictionsView

# `path` and not `str`: the key of an older course run has slashes, raw or percent-encoded (WSGI decodes them).
COURSE = "courses/<path:course_key>"

urlpatterns = [
    path(f"{COURSE}/predictions", PredictionsView.as_view(), name="predictions"),
    path(f"{COURSE}/facets", FacetsView.as_view(), name="facets"),
    path(f"{COURSE}/hindsight", HindsightView.as_view(), name="hindsight"),
    path(f"{COURSE}/learners/<str:pseudonym>", LearnerView.as_view(), name="learner"),
    path(f"{COURSE}/lookup", LookupView.as_view(), name="lookup"),
    path(f"{COURSE}/presets", PresetsView.as_view(), name="presets"),
    path(f"{COURSE}/segments", SegmentsView.as_view(), name="segments"),
    path(f"{COURSE}/segments/<int:number>", SegmentView.as_view(), name="segment"),
    path(f"{COURSE}/count", CountView.as_view(), name="count"),
    path(f"{COURSE}/tasks", TasksView.as_view(), name="tasks"),
    path(f"{COURSE}/tasks/handed_in", HandedInView.as_view(), name="handed_in"),
    path(f"{COURSE}/access_records", AccessRecordsView.as_view(), name="access_records"),
]
