"""Whom one can be on the demo, and made-up names for everybody else."""

from __future__ import annotations

import hashlib

# Whom one can be on the demo.
STAFF, LEARNER, STRANGER = "instructor", "you", "stranger"
OWN_USERS = {STAFF: "Ines Structor", LEARNER: "Yael You", STRANGER: "Stan Stranger"}
COHORTS = ("North", "South", "West")
_FIRST = (
    "Ada Amir Anna Aya Ben Cara Chen Dana Dev Ella Emil Eva Farah Finn Gita Hana Hugo Ines Iris Ivan Jana Joao Jonas "
    "Kaya Kofi Lars Lea Leo Lina Luis Maja Malik Mara Mila Nadia Nils Nora Omar Paul Priya Rafa Rosa Sami Sara Sofia "
    "Tara Theo Uma Vera Yusuf Zoe"
)
_LAST = (
    "Abel Adler Ahmed Arnold Baker Banda Becker Berg Bianchi Blum Castro Cohen Costa Diaz Dubois Evans Fischer Fox "
    "Garcia Gupta Haas Hansen Ito Jansen Kaur Keller Khan Klein Kim Kovac Lang Lee Lopez Maier Mensah Meyer Moreau "
    "Novak Okafor Olsen Patel Petit Reyes Rossi Sato Schmid Silva Singh Tanaka Vogel Weber Wolf Yilmaz"
)
FIRST_NAMES, LAST_NAMES = _FIRST.split(), _LAST.split()


def made_up_name(user_id: int) -> tuple[str, str]:
    """The same first and last name for the same id, on every machine."""
    number = stable_number(user_id, "name")
    return FIRST_NAMES[number % len(FIRST_NAMES)], LAST_NAMES[number // len(FIRST_NAMES) % len(LAST_NAMES)]


def stable_number(user_id: int, purpose: str) -> int:
    """A 64-bit number that is the same for the same id and purpose, on every machine."""
    return int.from_bytes(hashlib.blake2b(f"{purpose}:{user_id}".encode(), digest_size=8).digest(), "big")
