"""The XBlock: who is looking, and what they are shown. No prediction logic; may import `engage_backend.conf` alone."""

from engage_xblock.communicator import CommunicatorXBlock
from engage_xblock.learner import LearnerXBlock

__all__ = ["CommunicatorXBlock", "LearnerXBlock"]
