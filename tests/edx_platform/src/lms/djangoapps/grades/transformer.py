"""lms/djangoapps/grades/transformer.py: collects `max_score` for blocks with a score, `explicit_graded` for all others too."""


class GradesTransformer:
    """What it collects lies under its name."""

    @classmethod
    def name(cls) -> str:
        return "grades"
