"""The endpoints of communications. They are mounted in the LMS only: see `engage_backend.urls`.

Below `/engage/api/v1/courses/{course_key}/`, for the course team alone. Errors are problem documents: 400 what was sent
cannot be used (the text names the field), 404 no such communication here, 409 it cannot be done as things stand (the text
says why and what to do), 413 more than 3 MB. Moments are ISO 8601; reasons are for people to read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from engage_backend.api import communication_answers as shapes
from engage_backend.api.communications import counts_of, detail, listed, reasons, sending, text, warned
from engage_backend.api.problems import Conflict
from engage_backend.api.sending_view import SendingView
from engage_backend.api.views import Call
from engage_backend.messaging.audience import of_criteria, of_list
from engage_backend.messaging.automation import handling
from engage_backend.messaging.criteria import Criteria
from engage_backend.messaging.drafts import (
    author_of,
    beginning,
    change,
    create,
    discard,
    draft,
    export,
    sendings_of,
    take_in,
)
from engage_backend.messaging.mail import sender
from engage_backend.messaging.queueing import TRIAL, enqueue
from engage_backend.messaging.sending import again, confirm, quiet, refusal, stop, timing, undo
from engage_backend.messaging.templates import TEMPLATES
from engage_backend.messaging.trial import preview
from engage_backend.messaging.wording import Wording
from engage_backend.models import CommunicationVersion, Learner, Sending
from engage_backend.platform.api import get_platform

_WORDS = {"reply_to", "subject", "body"}
_DRAFT = _WORDS | {"criteria", "pseudonyms", "course_notice"}
# Of a communication itself: what is given -> the fields that it changes.
_SWITCHES = {"course_notice": ("course_notice",), "order": ("order",), "automation": handling.FIELDS}
_KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")


class CommunicationsView(SendingView):
    """GET: `{communications: [head]}`, the youngest first. POST: a new draft; nothing is sent.

    A head is `{id, version, subject, mine, created, sent_at, state, active, automation, paused_because, order,
    course_notice, counts: {queued, claimed, sent, failed, uncertain, held_back, skipped}, undo_seconds}`. `state`: draft,
    waiting (for the time to undo, or to send at), sending, done, stopped. `automation`: off, ask, send.

    POST `{reply_to, subject, body, criteria, pseudonyms, course_notice}`, all optional; `pseudonyms` is the list as seen
    on the page, without it the criteria select. `reply_to` is one of those that `templates` offers. 201 with the whole,
    as GET `communications/{id}`, and `no_longer_here`: how many of the learners named have been removed, and are dropped.
    """

    http_method_names = ["get", "post", "head", "options"]
    calls = {
        "get": Call(shapes.Communications, is_conditional=True),
        "post": Call(shapes.Saved, status=201, takes=shapes.Draft),
    }

    def get(self, request: Request, course_key: str) -> HttpResponseBase:
        return self.answer({"communications": listed(self.course_run(), self.user_id())})

    def post(self, request: Request, course_key: str) -> Response:
        run, given = self.course_run(), self.body(_DRAFT)
        author = author_of(run, self.user_id())
        with beginning(run):
            made = draft(run, _checked(given), get_platform().now(), author=author)
            version = create(run, author, made, course_notice=given.get("course_notice", False))
        return _saved(version, [], self.user_id(), made.no_longer_here, status=status.HTTP_201_CREATED)


class CommunicationView(SendingView):
    """GET `[?version=N]`: the whole. PATCH: save changes. DELETE: throw a draft away (204; 409 once it was confirmed).

    The whole is the head and `{reply_to, subject, body, criteria, pseudonyms, frozen, warnings: [{field, words,
    reason}], incomplete, versions: [{number, subject, created, sent_at}], sendings: [sending], in_doubt: [pseudonym],
    failed: [{learner, reason}], skipped: {reason: count}, matches: {day, fresh, decided} or null}`.

    PATCH takes what POST takes, and `automation` (off, ask; send only after ask) and `order`. A version that was confirmed
    is never changed: the words, criteria and list of a PATCH become the next version. It answers as POST does.
    """

    http_method_names = ["get", "patch", "delete", "head", "options"]
    calls = {
        "get": Call(shapes.Whole, query={"version": "Which one; the newest without."}, is_conditional=True),
        "patch": Call(shapes.Saved, takes=shapes.Changes),
        "delete": Call(None, status=204),
    }

    def get(self, request: Request, course_key: str, communication: int) -> HttpResponseBase:
        number = request.query_params.get("version")
        if number is not None and not re.fullmatch(r"[0-9]{1,9}", number):
            raise ValidationError({"detail": "version: has to be a whole number."})
        version = self.version()
        shown = version
        if number is not None and int(number) != version.number:
            found = version.communication.versions.filter(number=number).first()
            if found is None:
                raise NotFound(_("This message has no version {number}.").format(number=number))
            shown = found
        return self.answer(detail(version, sendings_of(version.communication), self.user_id(), shown))

    def patch(self, request: Request, course_key: str, communication: int) -> Response:
        given = _checked(self.body(_DRAFT | {"automation", "order"}))
        gone = 0
        with self.holding() as held:
            one = held.communication
            if given.keys() & (_WORDS | {"criteria", "pseudonyms"}):
                before = held.version
                is_as_before = (self.user_id(), given.get("reply_to", before.reply_to)) == (
                    before.author_id,
                    before.reply_to,
                )
                author = None if is_as_before else author_of(one.course_run, self.user_id())
                made = draft(one.course_run, given, get_platform().now(), held.version, author)
                change(held, self.user_id(), made, author=author)
                gone = made.no_longer_here
            if "course_notice" in given:
                one.course_notice = given["course_notice"]
            if "order" in given:
                one.order = _whole("order", given["order"], 0, 1_000_000)
            if "automation" in given:
                handling.switch(one, str(given["automation"]), self.user_id())
            if switches := given.keys() & _SWITCHES.keys():
                one.save(update_fields=[field for switch in switches for field in _SWITCHES[switch]])
        return _saved(held.version, held.sendings, self.user_id(), gone)

    def delete(self, request: Request, course_key: str, communication: int) -> Response:
        if not discard(self.course_key(), communication):
            raise Conflict(_("It has been confirmed, and what was sent is kept; stop it instead."))
        return Response(status=status.HTTP_204_NO_CONTENT)


class PreviewView(SendingView):
    """POST `{pseudonym, audience, now, send_at, reply_to, subject, body}`, all optional: how it would look, and to whom
    it would go. Nothing is kept.

    `{to, from, reply_to, subject, text, html, warnings, version, refused, audience: {selected, to_write, left_out: {reason:
    count}} or null, quiet, timing}`. Words that are given stand for the saved ones. The name of the learner `pseudonym` is
    filled in and masked; without one it is a learner whose name is not known. `html` is safe, and still belongs into a
    sandboxed frame. `refused` says why nothing can be sent at all; empty: it can. `quiet` is `{now, until, zone}` in the
    course's quiet hours, else null; with `send_at` it is of that moment, and `timing` says in words what is odd about it: it
    is in the quiet hours, after the course, or out of reach. `audience: false` leaves the numbers out; `now: true` gives
    those of `resend`.
    """

    http_method_names = ["post", "options"]
    calls = {"post": Call(shapes.Preview, takes=shapes.PreviewOf)}

    def post(self, request: Request, course_key: str, communication: int) -> Response:
        version, given = self.version(), self.body(_WORDS | {"pseudonym", "audience", "now", "send_at"})
        now, one = get_platform().now(), version.communication
        send_at = _moment(given)
        until, said = timing(one.course_run, send_at, now) if send_at else (quiet(one.course_run, now), [])
        wording = Wording.checked(**{name: given.get(name, getattr(version, name)) for name in _WORDS})
        pseudonym = given.get("pseudonym")
        try:
            shown = preview(one.course_run, wording, None if pseudonym is None else str(pseudonym)[:8])
        except Learner.DoesNotExist:
            raise NotFound(_("There is no such learner in this course run; perhaps they have left it.")) from None
        audience = None
        if given.get("audience", True):
            if given.get("now"):
                found = of_criteria(one, Criteria.from_json(version.criteria), get_platform().now())
            else:
                found = of_list(one, version.pseudonyms)
            left_out = reasons(found.left_out)
            audience = {"selected": found.selected, "to_write": len(found.learners), "left_out": left_out}
        return Response(
            {
                "to": shown.to,
                "from": sender(one.course_run, version.from_name),
                "reply_to": wording.reply_to,
                **shown.rendered._asdict(),
                "warnings": warned(wording),
                "version": version.number,
                "refused": str(refusal(one.course_run, version) or ""),
                "audience": audience,
                "quiet": None
                if until is None
                else {"now": text(send_at or now), "until": text(until), "zone": one.course_run.time_zone},
                "timing": " ".join(map(str, said)),
            }
        )


class TrialView(SendingView):
    """POST `{}`: mail the saved message to whoever asks, and to nobody else. 202."""

    http_method_names = ["post", "options"]
    calls = {"post": Call(shapes.Trial, status=202, takes=shapes.Nothing)}

    def post(self, request: Request, course_key: str, communication: int) -> Response:
        version, __ = self.version(), self.body(set())
        wording = Wording(**{name: getattr(version, name) for name in _WORDS})
        wording.check_complete()
        enqueue(TRIAL, self.course_key(), self.user_id(), {name: getattr(wording, name) for name in _WORDS})
        return Response({"to": "you"}, status=status.HTTP_202_ACCEPTED)


class SendView(SendingView):
    """POST `{key, version, count, send_at, matches}`: confirm. 202 `{sending}`; what becomes of it tells GET
    `communications/{id}`.

    `key` (8 to 64 letters, digits, - and _; or the header Idempotency-Key) is made once for one press of the button: the
    same key again answers the same and sends nothing more. `version` and `count` are those that the confirmation named: a
    newer version, or more learners than `count`, are refused with 409. `send_at` (optional): not before, by the site's
    clock. `matches` (optional, a day): to those that automation found new on that day, instead of the version's list.
    `quiet` (optional): `wait` (as without it): what is sent in the course's quiet hours, or is to be by `send_at`, waits for
    their end; `send`: it does not. `sending.send_at` says when it goes out.

    `sending` is `{id, communication, version, state, automatic, selected, left_out: {reason: count}, created, send_at,
    released_at, latest_at, late, undo_seconds}`. What has not gone out at `latest_at` does not go out any more; `late` is to
    how many, and its author is mailed.
    """

    http_method_names = ["post", "options"]
    calls = {"post": Call(shapes.Accepted, status=202, takes=shapes.Confirmation)}

    def post(self, request: Request, course_key: str, communication: int) -> Response:
        given = self.body({"key", "version", "count", "send_at", "matches", "quiet"})
        key, number, count = _confirmation(request, given)
        with self.holding() as held:
            day = (
                None
                if given.get("matches") is None
                else handling.day_of(held.communication, str(given["matches"])[:10])
            )
            made = confirm(
                held,
                author_id=self.user_id(),
                key=key,
                number=number,
                count=count,
                send_at=_moment(given),
                learners=None if day is None else day.fresh,
                waits=_waits(given),
            )
            if day is not None:
                handling.decided(day, made)
        return _accepted(made)


class ResendView(SendingView):
    """POST `{key, version, count, quiet}`: to those who meet the criteria now and have not had it. 202 as `send`.

    The list of today becomes the next version's. Who failed or was left out before gets another try; who may have had it
    (`in_doubt`) does not.
    """

    http_method_names = ["post", "options"]
    calls = {"post": Call(shapes.Accepted, status=202, takes=shapes.Again)}

    def post(self, request: Request, course_key: str, communication: int) -> Response:
        given = self.body({"key", "version", "count", "quiet"})
        key, number, count = _confirmation(request, given)
        with self.holding() as held:
            made = again(held, author_id=self.user_id(), key=key, number=number, count=count, waits=_waits(given))
        return _accepted(made)


class UndoView(SendingView):
    """POST `{}`: take the last confirmation back within its sixty seconds. 200 `{undone: true}`; 409 when it is too late."""

    http_method_names = ["post", "options"]
    calls = {"post": Call(shapes.Undone, takes=shapes.Nothing)}

    def post(self, request: Request, course_key: str, communication: int) -> Response:
        one, __ = self.version().communication, self.body(set())
        last = one.sendings.order_by("-pk").first()
        if last is None or not undo(last):
            raise Conflict(_("It cannot be undone any more; “Stop” keeps back what has not gone out yet."))
        return Response({"undone": True})


class StopView(SendingView):
    """POST `{}`: send nothing more of it, and end its automation. 200 `{stopped, counts}`."""

    http_method_names = ["post", "options"]
    calls = {"post": Call(shapes.Stopped, takes=shapes.Nothing)}

    def post(self, request: Request, course_key: str, communication: int) -> Response:
        self.body(set())
        stopped = stop(self.course_key(), communication)
        return Response({"stopped": stopped, "counts": counts_of(communication)})


class TemplatesView(SendingView):
    """GET: `{templates: [{name, title, subject, body, course_notice}], sender: {from, reply_to: [address]}}`: neutral
    messages to begin from, and what stands in the head of a message of whoever asks; the first address is their own."""

    http_method_names = ["get", "head", "options"]
    calls = {"get": Call(shapes.Templates, is_conditional=True)}

    def get(self, request: Request, course_key: str) -> HttpResponseBase:
        run = self.course_run()
        author = author_of(run, self.user_id())
        head = {"from": sender(run, author.name), "reply_to": list(author.addresses)}
        return self.answer({"templates": [template.in_words() for template in TEMPLATES], "sender": head})


class ExportView(SendingView):
    """GET: `{format, version, communications}` for the next run: words and criteria, no learner. POST: take such a file in
    as drafts, automation off, nobody selected; all or none. 201 `{imported: [id]}`."""

    http_method_names = ["get", "post", "head", "options"]
    calls = {
        "get": Call(shapes.Export, is_conditional=True),
        "post": Call(shapes.Imported, status=201, takes=shapes.Export),
    }

    def get(self, request: Request, course_key: str) -> HttpResponseBase:
        return self.answer(export(self.course_run()))

    def post(self, request: Request, course_key: str) -> Response:
        run = self.course_run()
        made = take_in(run, author_of(run, self.user_id()), request.data, get_platform().now())
        return Response({"imported": [one.pk for one in made]}, status=status.HTTP_201_CREATED)


def _saved(
    version: CommunicationVersion,
    sendings: Sequence[Sending],
    user_id: int,
    gone: int,
    status: int = status.HTTP_200_OK,
) -> Response:
    return Response({**detail(version, sendings, user_id), "no_longer_here": gone}, status=status)


def _accepted(made: Sending) -> Response:
    return Response({"sending": sending(made)}, status=status.HTTP_202_ACCEPTED)


def _confirmation(request: Request, given: Mapping[str, Any]) -> tuple[str, int | None, int | None]:
    key = given.get("key", request.headers.get("Idempotency-Key"))
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise ValidationError(
            {"detail": "key: a new one for each press of the button, 8 to 64 letters, digits, - and _."}
        )
    number, count = (
        None if given.get(name) is None else _whole(name, given[name], 0, 10_000_000) for name in ("version", "count")
    )
    return key, number, count


def _moment(given: Mapping[str, Any]) -> datetime | None:
    """Return `send_at`, UTC where it names no zone; None where it is not given."""
    if given.get("send_at") is None:
        return None
    try:
        when = parse_datetime(str(given["send_at"])[:40])
        if when is not None:
            return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # well formed, and no such day
    raise ValidationError({"detail": "send_at: has to be a moment like 2026-03-01T09:00:00Z."})


def _waits(given: Mapping[str, Any]) -> bool:
    """Whether a message that is sent in the quiet hours, or is to be, waits for their end."""
    if given.get("quiet", "wait") not in ("wait", "send"):
        raise ValidationError({"detail": "quiet: has to be wait or send."})
    return bool(given.get("quiet", "wait") == "wait")


def _whole(name: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValidationError({"detail": f"{name}: has to be a whole number from {low} to {high}."})
    return value


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    """The body, its list and switches of the right kind."""
    names = given.get("pseudonyms")
    if names is not None and (not isinstance(names, list) or not all(isinstance(name, str) for name in names)):
        raise ValidationError({"detail": "pseudonyms: has to be a list of pseudonyms."})
    if "pseudonyms" in given and names is None:
        raise ValidationError({"detail": "pseudonyms: has to be a list of pseudonyms."})
    if not isinstance(given.get("course_notice", False), bool):
        raise ValidationError({"detail": "course_notice: has to be true or false."})
    return given
