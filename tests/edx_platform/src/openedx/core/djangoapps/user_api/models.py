"""openedx/core/djangoapps/user_api/models.py: what somebody has chosen, the language among it."""

from django.contrib.auth.models import User
from django.db import models


class UserPreference(models.Model):
    """One value a user and key."""

    user = models.ForeignKey(User, db_index=True, related_name="preferences", on_delete=models.CASCADE)
    key = models.CharField(max_length=255, db_index=True)
    value = models.TextField()

    class Meta:
        app_label = "user_api"
        unique_together = ("user", "key")
