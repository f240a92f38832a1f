"""Who is looking at a block, from what the runtime around it says. In doubt: not the course team.

What the runtimes give (edx-platform of 2025, "Teak"; the files are named so that a reader can look again):

- LMS, `lms/djangoapps/courseware/block_render.py`: a `user` service whose `edx-platform.user_is_staff` is staff access to
  *this* course, and False while staff masquerade as a learner.
- Studio's preview, `cms/djangoapps/contentstore/views/preview.py`: a `user` service without `user_is_staff`, so False even
  for a superuser. Its handlers ask only for a login, not for a role in the course.
- Studio's own handlers, `cms/djangoapps/contentstore/views/component.py`: they ask only for a login as well, but add a
  service `studio_user_permissions` (`load_services_for_studio`) that says whether this user may write to this course.
  No other runtime has that service; it is the one sign of an author, and it is asked.
- The XBlock SDK's workbench: a `user` service with `xblock-workbench.user_id`, taken from the address (`?student=`).
  It has no roles and no login; whoever is called `staff` there is the course team.
"""

from __future__ import annotations

from typing import Any

WORKBENCH_STAFF = "staff"


def is_course_staff(block: Any) -> bool:
    """Is the one who looks at this block staff of its course (and not masquerading)?"""
    attributes = _attributes(block)
    return attributes.get("edx-platform.user_is_staff") is True or _is_workbench_staff(attributes)


def is_author(block: Any) -> bool:
    """May the one who calls change this block? True only in Studio, for those who may write to its course."""
    permissions = block.runtime.service(block, "studio_user_permissions")
    if permissions is None:
        return _is_workbench_staff(_attributes(block))
    context = getattr(block.scope_ids.usage_id, "context_key", None)
    # Platforms newer than Teak are about to drop `can_write` for `can_edit_content`.
    may_write = getattr(permissions, "can_write", None) or permissions.can_edit_content
    return context is not None and bool(may_write(context))


def _is_workbench_staff(attributes: dict[str, Any]) -> bool:
    return attributes.get("xblock-workbench.user_id") == WORKBENCH_STAFF


def _attributes(block: Any) -> dict[str, Any]:
    service = block.runtime.service(block, "user")
    user = service.get_current_user() if service else None
    return dict(user.opt_attrs) if user else {}
