"""Addresses for learners about themselves: in the LMS and on the standalone site, not in Studio, which knows no learners."""

from django.urls import path

from engage_backend.api.me import MeView, ObjectionView
from engage_backend.api.my_page import me, style

_COURSE = "api/v1/courses/<path:course_key>"

urlpatterns = [
    path(f"{_COURSE}/me", MeView.as_view(), name="me"),
    path(f"{_COURSE}/me/objection", ObjectionView.as_view(), name="objection"),
    path("me/style.css", style, name="me_style"),
    path("me/<path:course_key>", me, name="my_page"),
]
