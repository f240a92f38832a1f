"""Addresses of the REST API, version 1."""

from django.urls import path

from engage_backend.api.views import PredictionsView

# `path` and not `str`: the key of an older course run has slashes, raw or percent-encoded (WSGI decodes them).
urlpatterns = [path("courses/<path:course_key>/predictions", PredictionsView.as_view(), name="predictions")]
