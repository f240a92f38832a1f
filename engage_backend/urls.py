"""Our addresses, mounted under `/engage/` in LMS, Studio and the standalone site."""

from django.urls import include, path

app_name = "engage"

urlpatterns = [path("api/v1/", include("engage_backend.api.urls"))]
