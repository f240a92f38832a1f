"""Our addresses, mounted under `/engage/` in the LMS and on the standalone site; in Studio those of `studio_urls`."""

from django.urls import include, path

from engage_backend.api.course_page import course_page
from engage_backend.api.unsubscribe import unsubscribe

app_name = "engage"

urlpatterns = [
    path("api/v1/", include("engage_backend.api.urls")),
    path("api/v1/", include("engage_backend.api.communication_urls")),
    path("unsubscribe/<str:token>", unsubscribe, name="unsubscribe"),
    # `path` and not `str`: see `api.urls`.
    path("courses/<path:course_key>/", course_page, name="course_page"),
    path("", include("engage_backend.api.learner_urls")),
]
