"""The second channel: edx-ace, as the platform has set it up. For sites on Braze or Sailthru, that have no SMTP."""

from __future__ import annotations

import logging
from threading import get_ident
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_noop as _

from engage_backend.messaging.channels import Fate, Outcome, Unreachable
from engage_backend.messaging.mail import Letter

log = logging.getLogger(__name__)


class AceChannel:
    """One message of ACE a letter; ACE keeps connections by itself.

    `ace.send` reports what went wrong to the log alone. That a message was taken is told by its signal; what neither the
    signal nor an error tells of may have gone out, and is in doubt.
    """

    def open(self) -> None:
        try:
            from edx_ace import ace  # noqa: F401
        except ImportError as error:
            raise Unreachable('edx-ace is not installed here: set ENGAGE["CHANNEL"] to "mail"') from error
        if not hasattr(settings, "ACE_CHANNEL_DEFAULT_EMAIL"):
            raise Unreachable(
                'edx-ace is not set up here: set ACE_CHANNEL_DEFAULT_EMAIL, or ENGAGE["CHANNEL"] to "mail"'
            )

    def send(self, letter: Letter) -> Outcome:
        from edx_ace import Message, Recipient, ace
        from edx_ace.channel import ChannelType, get_channel_for_message
        from edx_ace.errors import UnsupportedChannelError
        from edx_ace.policy import channels_for
        from edx_ace.signals import ACE_MESSAGE_SENT

        message = Message(
            app_label="engage_backend",
            name="communication",
            recipient=Recipient(lms_user_id=letter.user_id, email_address=letter.address),
            # `course_ids` is what the platform's own opt-out policy asks for (lms/djangoapps/bulk_email/policies.py).
            context={
                "course_ids": [letter.course_key],
                "subject": letter.rendered.subject,
                "text": letter.rendered.text,
                "html": letter.rendered.html,
                "from_name": letter.sender,
                "unsubscribe_url": letter.unsubscribe,
            },
            headers=letter.headers,  # which ACE's channel over Django's mail backends passes on
            options={
                "from_address": letter.sender,
                "reply_to": [letter.reply_to] if letter.reply_to else None,
                "transactional": False,
                "skip_disable_user_policy": True,
            },
        )
        if ChannelType.EMAIL not in channels_for(message):
            return Outcome(Fate.REFUSED, _("a policy of the platform forbids it"))
        try:
            get_channel_for_message(ChannelType.EMAIL, message)
        except UnsupportedChannelError:
            return Outcome(Fate.REFUSED, _("the platform has no e-mail channel in edx-ace"))
        taken, thread = [], get_ident()

        # What the signal carries differs between releases; it is sent by whoever sends the message, before that returns.
        def told(sender: Any, **kwargs: Any) -> None:
            if get_ident() == thread:
                taken.append(sender)

        ACE_MESSAGE_SENT.connect(told)
        try:
            ace.send(message, limit_to_channels=[ChannelType.EMAIL])
        except Exception as error:  # of whatever provider stands behind it
            log.warning("edx-ace raised %s", type(error).__name__)
            return Outcome(Fate.DOUBT, type(error).__name__)
        finally:
            ACE_MESSAGE_SENT.disconnect(told)
        return Outcome(Fate.TAKEN) if taken else Outcome(Fate.DOUBT, "edx-ace did not say that it went")

    def close(self) -> None:
        """Nothing is held."""
