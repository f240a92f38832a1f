"""The second channel: edx-ace, as the platform has set it up. For sites on Braze or Sailthru, that have no SMTP."""

from __future__ import annotations

import logging
import smtplib

from django.conf import settings
from django.utils.translation import gettext_noop as _

from engage_backend.messaging.channels import Fate, Outcome, Unreachable, classify
from engage_backend.messaging.mail import Letter

log = logging.getLogger(__name__)


class AceChannel:
    """Send one message of ACE a letter; ACE keeps connections by itself.

    The steps are those of `edx_ace.ace.send`, which reports what went wrong to the log alone, and waits for up to five
    minutes where a provider is busy: a worker has others to write to meanwhile.
    """

    def open(self) -> None:
        try:
            import edx_ace  # noqa: F401
        except ImportError as error:
            raise Unreachable('edx-ace is not installed here: set ENGAGE["CHANNEL"] to "mail"') from error
        if not hasattr(settings, "ACE_CHANNEL_DEFAULT_EMAIL"):
            raise Unreachable(
                'edx-ace is not set up here: set ACE_CHANNEL_DEFAULT_EMAIL, or ENGAGE["CHANNEL"] to "mail"'
            )

    def send(self, letter: Letter) -> Outcome:
        from django.template import TemplateDoesNotExist
        from edx_ace import Message, Recipient, presentation
        from edx_ace.channel import ChannelType, get_channel_for_message
        from edx_ace.errors import FatalChannelDeliveryError, RecoverableChannelDeliveryError, UnsupportedChannelError
        from edx_ace.policy import channels_for
        from edx_ace.utils.signals import send_ace_message_sent_signal

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
        message.report_basics()
        try:
            channel = get_channel_for_message(ChannelType.EMAIL, message)
            rendered = presentation.render(channel, message)
        except UnsupportedChannelError:
            return Outcome(Fate.REFUSED, _("the platform has no e-mail channel in edx-ace"))
        except TemplateDoesNotExist as error:
            return Outcome(Fate.REFUSED, f"edx-ace has no template {error}")
        try:
            channel.deliver(message, rendered)
        except RecoverableChannelDeliveryError as error:  # busy: it has not gone out
            return Outcome(Fate.THROTTLED, str(error))
        except FatalChannelDeliveryError as error:  # "Do not retry", but a lost connection is one, too
            cause = error.__cause__
            if isinstance(cause, smtplib.SMTPException):
                return classify(cause, handed_over=True)
            return Outcome(Fate.REFUSED, str(error))
        except Exception as error:  # of whatever provider stands behind it
            log.warning("edx-ace raised %s", type(error).__name__)
            return Outcome(Fate.DOUBT, type(error).__name__)
        send_ace_message_sent_signal(channel, message)  # others listen to it
        return Outcome(Fate.TAKEN)

    def close(self) -> None:
        """Nothing is held."""
