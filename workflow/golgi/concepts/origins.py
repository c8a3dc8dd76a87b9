"""Where sentences come from: documents and frames, whose sentences resemble each other."""

from collections.abc import Hashable, Sequence

import numpy as np


def number_origins(origins: Sequence[str]) -> np.ndarray:
    """Return a number [sentence] for each sentence's origin; of unknown origin, each has one of its own.

    >>> number_origins(["a.txt:1", "", "a.txt:1", ""])
    array([0, 1, 0, 2])
    """
    return numbered([(origin, -1 if origin else place) for place, origin in enumerate(origins)])


def numbered(names: Sequence[Hashable]) -> np.ndarray:
    """Return numbers [name] in the order of first appearance, which does not depend on what else there is."""
    number = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return np.array([number[name] for name in names], np.int64)
