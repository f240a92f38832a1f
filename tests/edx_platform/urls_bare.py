"""The addresses of an LMS without plugins."""

from django.http import HttpRequest, HttpResponse
from django.urls import path


def courseware(request: HttpRequest) -> HttpResponse:
    """Some page of the platform's own, for whoever is logged in."""
    return HttpResponse("a unit" if request.user.is_authenticated else "log in")


urlpatterns = [path("courseware/", courseware)]
