"""openedx/core/djangoapps/user_api/accounts/signals.py: sent with plain `send`, `user=`, by the retirement views."""

from django.dispatch import Signal

USER_RETIRE_MAILINGS = Signal()
USER_RETIRE_LMS_CRITICAL = Signal()
USER_RETIRE_LMS_MISC = Signal()
