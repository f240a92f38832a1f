"""openedx/core/djangoapps/user_api/models.py: what somebody has chosen, the language among it; who asked to be retired."""

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


class RetirementState(models.Model):
    """PENDING, the states of the site's pipeline, COMPLETE: made by `populate_retirement_states`."""

    state_name = models.CharField(max_length=30, unique=True)
    state_execution_order = models.SmallIntegerField(unique=True)
    is_dead_end_state = models.BooleanField(default=False, db_index=True)
    required = models.BooleanField(default=False)

    class Meta:
        app_label = "user_api"


class UserRetirementRequest(models.Model):
    """That somebody asked; stays for ever unless the request is cancelled."""

    created = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)
    user = models.OneToOneField(User, on_delete=models.CASCADE)

    class Meta:
        app_label = "user_api"


class UserRetirementStatus(models.Model):
    """How far the pipeline is; deleted by `cleanup` at its end, and when a request is cancelled."""

    created = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)
    user = models.OneToOneField(User, on_delete=models.CASCADE)
    original_username = models.CharField(max_length=150, db_index=True)
    original_email = models.EmailField(db_index=True)
    original_name = models.CharField(max_length=255, blank=True, db_index=True)
    retired_username = models.CharField(max_length=150, db_index=True)
    retired_email = models.EmailField(db_index=True)
    current_state = models.ForeignKey(RetirementState, related_name="current_state", on_delete=models.CASCADE)
    last_state = models.ForeignKey(RetirementState, blank=True, related_name="last_state", on_delete=models.CASCADE)
    responses = models.TextField()

    class Meta:
        app_label = "user_api"
