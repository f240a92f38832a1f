"""Our addresses, mounted under `/engage/` in the LMS and on the standalone site; in Studio those of `studio_urls`."""

from django.urls import include, path

from engage_backend.api.my_page import me, style
from engage_backend.api.unsubscribe import unsubscribe

app_name = "engage"

urlpatterns = [
    path("api/v1/", include("engage_backend.api.urls")),
    path("api/v1/", include("engage_backend.api.communication_urls")),
    path("unsubscribe/<str:token>", unsubscribe, name="unsubscribe"),
    path("me/style.css", style, name="me_style"),
    path("me/<path:course_key>", me, name="my_page"),
]
