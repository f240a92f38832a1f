"""Our addresses in Studio, mounted under `/engage/`: nobody is written to from there."""

from django.urls import include, path

app_name = "engage"

urlpatterns = [path("api/v1/", include("engage_backend.api.urls"))]
