"""lms/urls.py: plugins' addresses are added by edX's own plugin code."""

from edx_django_utils.plugins import get_plugin_url_patterns

from tests.edx_platform.urls_bare import urlpatterns as own_patterns

urlpatterns = [*own_patterns, *get_plugin_url_patterns("lms.djangoapp")]
