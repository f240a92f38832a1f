"""The link with which a learner says no: signed, for one learner and one course run, good for ever."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.core.signing import BadSignature, Signer

from engage_backend.conf import engage_settings
from engage_backend.models import Learner

_SALT = "engage.unsubscribe"


@lru_cache(maxsize=2)
def _signer(key: str) -> Signer:
    return Signer(key=key, salt=_SALT)


def root_url() -> str | None:
    """Where learners reach this site, without a slash at the end; None where nobody has said."""
    found = engage_settings().root_url or getattr(settings, "LMS_ROOT_URL", None)
    return found.rstrip("/") if isinstance(found, str) and found else None


def token(learner_id: int) -> str:
    """The token of a learner of one course run. It says nothing that could be looked up elsewhere."""
    return _signer(settings.SECRET_KEY).sign(str(learner_id)).replace(":", ".")


def learner_of(given: str) -> Learner | None:
    """Whose token it is; None where it is not one of ours, or the learner has been removed since."""
    number, _, signature = given.partition(".")
    try:
        learner_id = _signer(settings.SECRET_KEY).unsign(f"{number}:{signature}")
    except BadSignature:
        return None
    return Learner.objects.select_related("course_run").filter(pk=int(learner_id)).first()
