"""Names that other rooms share with parsing, without loading its table of paths."""

OUR_BLOCK = "engage_communicator"

# Facts: events whose kind is their name, and which are no activity. `kind_table.EVENTS` says the same; a test compares.
SUBMITTED = "edx.grades.problem.submitted"
RESCORED = "edx.grades.problem.rescored"
OVERRIDDEN = "edx.grades.problem.score_overridden"
STATE_DELETED = "edx.grades.problem.state_deleted"
SCORE_RESET = "edx.grades.problem.score_reset"  # our name: a `submitted` with 0 of 0 points that takes a score back
SUBSECTION_OVERRIDDEN = "edx.grades.subsection.score_overridden"  # the block is the subsection; carries no points
STATES_DELETED = "problem_delete_state"  # of all learners: it names neither them nor the block
# Our names, for what a comparison with the platform's own tables finds; no record of a log has them.
PLATFORM_DELETED = "engage.platform.deleted"
PLATFORM_UNSCORED = "engage.platform.unscored"
PLATFORM_HANDED_IN = "engage.platform.handed_in"
PLATFORM_SCORED = "engage.platform.scored"
PLATFORM_FACTS = frozenset({PLATFORM_DELETED, PLATFORM_UNSCORED, PLATFORM_HANDED_IN, PLATFORM_SCORED})
SCORE_FACTS = PLATFORM_FACTS | {
    SUBMITTED,
    RESCORED,
    OVERRIDDEN,
    STATE_DELETED,
    SCORE_RESET,
    SUBSECTION_OVERRIDDEN,
    STATES_DELETED,
}

ENROLLED = "edx.course.enrollment.activated"
UNENROLLED = "edx.course.enrollment.deactivated"
MODE_CHANGED = "edx.course.enrollment.mode_changed"
ROSTER_FACTS = frozenset({ENROLLED, UNENROLLED, MODE_CHANGED})
FACTS = SCORE_FACTS | ROSTER_FACTS
# What changed is not in the record: the run's scores have to be read from the platform.
COMPARED = frozenset({SUBSECTION_OVERRIDDEN, STATES_DELETED})
# A learner moved their own due dates: clicks, after which the run's dates have to be read.
DATES_MOVED = frozenset({"reset_deadlines", "edx.ui.lms.reset_deadlines.clicked"})
NOBODY = 0  # the learner of a fact that is about a whole run

_UNITS = ("courseware", "jump_to_id")


def is_of_a_unit(kind: str) -> bool:
    """Return whether a kind is a request for a unit or a block of one: refused while the course is not open."""
    return kind in _UNITS or kind.startswith(("xblock_view:", "handler:"))


# Facts that stand in a learner's history: what somebody's score is, is part of what figures are made of.
KEPT_FACTS = SCORE_FACTS - COMPARED


def is_activity(kind: str) -> bool:
    """Return whether events of this kind are something that the learner did; facts are not."""
    return kind not in FACTS
