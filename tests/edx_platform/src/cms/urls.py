"""cms/urls.py: plugins' addresses are added by edX's own plugin code."""

from edx_django_utils.plugins import get_plugin_url_patterns

urlpatterns = [*get_plugin_url_patterns("cms.djangoapp")]
