"""Which kinds a model knows, and by which token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

UNKNOWN = 0


class Vocabulary:
    """Kinds of events and their tokens, from 1 upwards; token 0 stands for every kind that is not here."""

    def __init__(self, kinds: Iterable[str]) -> None:
        self.kinds = tuple(kinds)
        if len(set(self.kinds)) != len(self.kinds):
            raise ValueError("A kind stands twice in the vocabulary.")
        self.tokens: Mapping[str, int] = MappingProxyType({kind: i for i, kind in enumerate(self.kinds, start=1)})

    @classmethod
    def from_counts(
        cls, counts: Mapping[str, Mapping[str, int]], *, min_count: int = 1_000, min_courses: int = 4
    ) -> Vocabulary:
        """From `{course: {kind: count}}`: the kinds seen `min_count` times, and in `min_courses` courses.

        The defaults are the published ones (1,000 times, more than three courses). Most frequent kind first.
        """
        total: dict[str, int] = {}
        courses: dict[str, int] = {}
        for kinds in counts.values():
            for kind, count in kinds.items():
                if count > 0:
                    total[kind] = total.get(kind, 0) + count
                    courses[kind] = courses.get(kind, 0) + 1
        known = [kind for kind in total if total[kind] >= min_count and courses[kind] >= min_courses]
        return cls(sorted(known, key=lambda kind: (-total[kind], kind)))

    def __len__(self) -> int:
        """How many tokens there are, the unknown one included."""
        return len(self.kinds) + 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and other.kinds == self.kinds

    def __hash__(self) -> int:
        return hash(self.kinds)

    def token(self, kind: str) -> int:
        """The token of a kind, 0 where it is unknown."""
        return self.tokens.get(kind, UNKNOWN)

    def to_json(self) -> list[str]:
        """The kinds in the order of their tokens."""
        return list(self.kinds)

    @classmethod
    def from_json(cls, data: list[str]) -> Vocabulary:
        """What `to_json` wrote; ValueError where that cannot be."""
        if not isinstance(data, list) or not all(isinstance(kind, str) for kind in data):
            raise ValueError("A vocabulary is a list of kinds.")
        return cls(data)
