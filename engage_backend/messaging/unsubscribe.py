"""The link with which a learner says no: signed, for one learner and one course run, good for ever."""

from __future__ import annotations

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from engage_backend.conf import engage_settings
from engage_backend.models import Learner

_SALT = "engage.unsubscribe"


def root_url() -> str | None:
    """Where learners reach this site, without a slash at the end; None where nobody has said."""
    found = engage_settings().root_url or getattr(settings, "LMS_ROOT_URL", None)
    return found.rstrip("/") if isinstance(found, str) and found else None


def token(learner_id: int) -> str:
    """The token of a learner of one course run. It says nothing that could be looked up elsewhere."""
    return Signer(salt=_SALT).sign(str(learner_id)).replace(":", ".")


def learner_of(given: str) -> Learner | None:
    """Whose token it is; None where it is not one of ours, or the learner has been removed since."""
    number, _, signature = given.partition(".")
    try:
        learner_id = Signer(salt=_SALT).unsign(f"{number}:{signature}")
    except BadSignature:
        return None
    return Learner.objects.select_related("course_run").filter(pk=int(learner_id)).first()


def link(learner_id: int, root: str) -> str:
    """The address that takes a learner out, by one click of theirs or of their mail program."""
    return root + reverse("engage:unsubscribe", args=[token(learner_id)])
