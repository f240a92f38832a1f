"""Names that the tap, inside the LMS, has in common with parsing, whose table of paths it must not load."""

OUR_BLOCK = "engage_communicator"
SUBMITTED = "edx.grades.problem.submitted"
