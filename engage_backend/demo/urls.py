"""Addresses of the standalone site."""

from django.urls import include, path, re_path

from engage_backend.demo import files, outbox, views

urlpatterns = [
    path("", views.enter, name="enter"),
    path("course/", views.course, name="course"),
    path("learn/", views.learn, name="learn"),
    path("learn/<str:action>/", views.click, name="click"),
    path("outbox/", outbox.outbox, name="outbox"),
    path("outbox/<str:name>", outbox.letter, name="letter"),
    path("studio/", views.studio, name="studio"),
    path("be/<str:who>/", views.be, name="be"),
    path("now/", views.now, name="now"),
    re_path(r"^xblock/handler/(?P<handler>\w+)/(?P<suffix>.*)$", views.handler, name="handler"),
    path("xblock/resource/<path:path>", files.block_resource, name="block-resource"),
    path("static/<path:path>", files.static, name="static"),
    path("engage/", include("engage_backend.urls")),
]
