"""Partial changes, in which leaving a value and removing it are two things."""

from enum import Enum
from typing import Final


class Keep(Enum):
    """Stands for "leave it as it is" where None means "remove it"."""

    KEEP = "KEEP"


KEEP: Final = Keep.KEEP
