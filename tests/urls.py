"""Our addresses, mounted as an LMS mounts them."""

from django.urls import include, re_path

urlpatterns = [re_path("^engage/", include(("engage_backend.urls", "engage"), namespace="engage"))]
