"""The tables. Each belongs to one subject; every model says what it holds about a person (`.. pii:`)."""

from engage_backend.models.clickstream import Checkpoint, HistoryChunk, Kind, Submission
from engage_backend.models.clock import Lease, ReadAgain
from engage_backend.models.course import CourseRun, Learner, LearnerStatus
from engage_backend.models.dates import DueDate
from engage_backend.models.governance import AccessRecord, Objection, Tombstone
from engage_backend.models.messaging import (
    AutomationDay,
    Communication,
    CommunicationVersion,
    Delivery,
    DeliveryState,
    Outlet,
    Segment,
    Sending,
)
from engage_backend.models.prediction import DailySnapshot, LearnerState, LeaveCohort, Prediction

__all__ = [
    "AccessRecord",
    "AutomationDay",
    "Checkpoint",
    "Communication",
    "CommunicationVersion",
    "CourseRun",
    "DailySnapshot",
    "Delivery",
    "DeliveryState",
    "DueDate",
    "HistoryChunk",
    "Kind",
    "Learner",
    "LearnerState",
    "LearnerStatus",
    "Lease",
    "LeaveCohort",
    "Objection",
    "Outlet",
    "Prediction",
    "ReadAgain",
    "Segment",
    "Sending",
    "Submission",
    "Tombstone",
]
