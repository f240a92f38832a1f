"""A person leaves the platform: nothing of them stays here but a tombstone, which ingestion and backfill honour.

What is in the database goes as soon as the platform's own transaction is committed. What has not reached it, in the streams
in Redis and in quarantine files, is for the clock (`governance.sweep`): a signal's receiver must wait for nothing outside.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import BigIntegerField, Field, JSONField, Model, Q, TextField
from django.db.models.functions import Cast

from engage_backend.engagement.live.publish import raise_version
from engage_backend.models import (
    AccessRecord,
    Communication,
    CommunicationVersion,
    CourseRun,
    Learner,
    Objection,
    ReadAgain,
    Tombstone,
)

log = logging.getLogger(__name__)

NOBODY = 0  # in place of the user id of a member of a course team who was retired; no LMS gives it to anybody
_AT_ONCE = 50  # pseudonyms looked for in one query
AUTHOR = "author_id"  # what a field is called that says which member of a course team wrote or sent something


def retire(user_id: int) -> None:
    """Remove this person (LMS user id) everywhere. Never raises: a receiver that did would stall the platform's retirement.

    May be called again, and for people of whom nothing is known. Where the database refuses, the log says so.
    """
    try:
        with transaction.atomic():
            Tombstone.objects.update_or_create(user_id=user_id, defaults={"swept_at": None})
            remove_learner(Learner.objects.filter(user_id=user_id))
            _remove_from_teams(user_id)
    except Exception as error:
        # The id is all that may be said, and has to be: without it nobody could repeat this. No traceback: a database's
        # error quotes values.
        log.error(
            "user %d could not be retired (%s): repeat it with `engage_retire %d`",
            user_id,
            type(error).__name__,
            user_id,
        )


def known_users(after: int, most: int) -> list[int]:
    """Return the LMS user ids above `after` that our tables hold, ascending, `most` at most; no tombstones."""
    found: set[int] = set()
    for model, field in _fields(BigIntegerField):
        if model is not Tombstone and field.name in ("user_id", AUTHOR):
            rows = model._default_manager.filter(**{f"{field.name}__gt": max(after, NOBODY)}).order_by(field.name)
            found.update(rows.values_list(field.name, flat=True).distinct()[:most])
    return sorted(found)[:most]


def remove_learner(learners: Any) -> None:
    """Delete these rows of `Learner` and all that hangs on them, and their pseudonyms wherever one was written down."""
    # Run by run, in the order in which a consumer goes through them: see `objections`.
    runs = CourseRun.objects.filter(pk__in=learners.values("course_run"))
    for run in sorted(runs, key=lambda one: one.course_key):
        # Whoever changes a message of the run, or makes one or a segment, holds one of these locks (`messaging.drafts`,
        # `messaging.presets`): no list that is being written can bring a pseudonym back. Messages are locked before
        # learners, because a confirmation locks them in this order; the run after learners, as consumers do.
        list(Communication.objects.select_for_update().filter(course_run=run).order_by("pk").values_list("pk"))
        found = list(learners.select_for_update().filter(course_run=run).order_by("pk").values_list("pk", "pseudonym"))
        if not found:
            continue
        CourseRun.objects.select_for_update().get(pk=run.pk)
        forget_pseudonyms({pseudonym for _, pseudonym in found})
        Learner.objects.filter(pk__in=[pk for pk, _ in found]).delete()
        version = raise_version(run, run.as_of or datetime.now(UTC))
        # A page that holds an older cursor would keep the rows: nothing is left that could tell it of them.
        CourseRun.objects.filter(pk=run.pk).update(last_removal_version=version)


def forget_pseudonyms(pseudonyms: Collection[str]) -> None:
    """Take pseudonyms out of lists that were kept: who was selected, who is in a segment, who was looked at.

    Behind the locks of `remove_learner`: what somebody changes at this moment is neither lost nor brought back.
    """
    wanted = sorted(pseudonyms)
    for at in range(0, len(wanted), _AT_ONCE):
        some = wanted[at : at + _AT_ONCE]
        for model, field in _fields(JSONField):
            text = f"{field.name}_text"
            named = Q()
            for pseudonym in some:
                named |= Q(**{f"{text}__contains": f'"{pseudonym}"'})
            rows = model._default_manager.annotate(**{text: Cast(field.name, TextField())}).filter(named)
            for key, value in rows.values_list("pk", field.name):
                model._default_manager.filter(pk=key).update(**{field.name: _without(value, some)})


def _remove_from_teams(user_id: int) -> None:
    """What a person did as a member of a course team stays done, and says no longer who did it."""
    Objection.objects.filter(user_id=user_id).delete()
    ReadAgain.objects.filter(user_id=user_id).delete()
    AccessRecord.objects.filter(user_id=user_id).update(user_id=NOBODY, once=None)
    CommunicationVersion.objects.filter(author_id=user_id).update(from_name="", reply_to="")
    for model, field in _fields(BigIntegerField):
        if field.name == AUTHOR:
            model._default_manager.filter(**{AUTHOR: user_id}).update(**{AUTHOR: NOBODY})


def _fields(kind: type[Field[Any, Any]]) -> Iterator[tuple[type[Model], Field[Any, Any]]]:
    """All fields of a kind of our own models. Asked of Django, so that a new model is not forgotten."""
    for model in apps.get_app_config("engage").get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, kind):
                yield model, field


def _without(value: Any, pseudonyms: Collection[str]) -> Any:
    """A JSON value without these texts: out of lists; null in place of one that stands alone."""
    if isinstance(value, list):
        return [_without(one, pseudonyms) for one in value if not (isinstance(one, str) and one in pseudonyms)]
    if isinstance(value, dict):
        return {key: _without(one, pseudonyms) for key, one in value.items() if key not in pseudonyms}
    return None if isinstance(value, str) and value in pseudonyms else value
