"""Addresses of writing to learners: in the LMS and on the standalone site, not in Studio."""

from django.urls import path

from engage_backend.api.communication_views import (
    CommunicationsView,
    CommunicationView,
    ExportView,
    PreviewView,
    ResendView,
    SendView,
    StopView,
    TemplatesView,
    TrialView,
    UndoView,
)

_COURSE = "courses/<path:course_key>"
_ONE = f"{_COURSE}/communications/<int:communication>"

urlpatterns = [
    path(f"{_COURSE}/communications", CommunicationsView.as_view(), name="communications"),
    path(f"{_COURSE}/communications/export", ExportView.as_view(), name="export"),
    path(f"{_COURSE}/templates", TemplatesView.as_view(), name="templates"),
    path(_ONE, CommunicationView.as_view(), name="communication"),
    path(f"{_ONE}/preview", PreviewView.as_view(), name="preview"),
    path(f"{_ONE}/test", TrialView.as_view(), name="test"),
    path(f"{_ONE}/send", SendView.as_view(), name="send"),
    path(f"{_ONE}/resend", ResendView.as_view(), name="resend"),
    path(f"{_ONE}/undo", UndoView.as_view(), name="undo"),
    path(f"{_ONE}/stop", StopView.as_view(), name="stop"),
]
