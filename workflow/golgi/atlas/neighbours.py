"""Units that are alike: those whose average precision rises and falls over the concepts together."""

import numpy as np

from golgi.atlas.contents import Rows
from golgi.tables import Arrays

MOST = 8
BLOCK_CELLS = 2**23  # likenesses held at a time: 64 MB
# Profiles of length one times this, in whole numbers: their products stay below 2^53, so that float64 adds
# them without error, and the order in which threads add up changes nothing. A likeness is true to 1e-7.
SCALE = 2.0**26


def read_profiles(arrays: Arrays, rows: Rows, some: np.ndarray) -> np.ndarray:
    """Return the average precision [unit, concept] float32 of the units in `some` rows, which ascend."""
    parts = []
    for (site, layer), width in zip(rows.places, rows.widths, strict=True):
        start = rows.starts[site, layer]
        here = some[np.searchsorted(some, start) : np.searchsorted(some, start + width)] - start
        if here.size:
            first, last = int(here[0]), int(here[-1]) + 1
            parts.append(arrays.columns(f"measured/{site}/{layer}", first, last)[:, here - first].T)
    return np.concatenate(parts)


def nearest(profiles: np.ndarray, most: int = MOST) -> tuple[np.ndarray, np.ndarray]:
    """Return the places int32 and likenesses float32, both [unit, most], of the units most alike.

    Likeness is Pearson's correlation of two rows of `profiles` [unit, concept]; of equally alike units the
    first one comes first. A constant row is like none, and no unit like it; what is missing is -1 and NaN.
    Takes 12 bytes for each cell of the profiles and 64 MB, and time quadratic in the units.

    >>> nearest(np.array([[0.1, 0.9], [0.2, 0.3], [0.4, 0.1]], np.float32), most=1)[0].ravel()
    array([1, 0, 0], dtype=int32)
    """
    whole, varied = _in_whole_numbers(profiles)
    places = np.full((len(profiles), most), -1, np.int32)
    likeness = np.full((len(profiles), most), np.nan, np.float32)
    step = max(1, BLOCK_CELLS // max(len(whole), 1))
    for start in range(0, len(whole), step):
        products = whole[start : start + step] @ whole.T
        own = np.arange(len(products))
        products[own, start + own] = -np.inf
        found, values = highest(products, most)
        known = np.isfinite(values)
        of_block = varied[start : start + step]
        places[of_block, : found.shape[1]] = np.where(known, varied[found], -1)
        alike = np.clip(values / SCALE**2, -1, 1)  # a rounded profile can be longer than one, by 1e-8
        likeness[of_block, : found.shape[1]] = np.where(known, alike, np.nan)
    return places, likeness


def highest(values: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return places and values [row, most] of the highest values of each row, the first one in a tie.

    `values` [row, candidate] are used up. Fewer columns where there are fewer candidates.
    """
    shape = len(values), min(most, values.shape[1])
    places, found = np.empty(shape, np.int64), np.empty(shape, values.dtype)
    own = np.arange(len(values))
    for rank in range(shape[1]):
        places[:, rank] = values.argmax(axis=1)
        found[:, rank] = values[own, places[:, rank]]
        values[own, places[:, rank]] = -np.inf
    return places, found


def most_precise(ap: np.ndarray, most: int) -> np.ndarray:
    """Return the places, ascending int32, of the `most` highest of `ap` [unit], the first ones in a tie.

    >>> most_precise(np.array([0.2, 0.5, 0.2, 0.1]), 2)
    array([0, 1], dtype=int32)
    """
    return np.sort(np.argsort(-ap, kind="stable")[:most]).astype(np.int32)


def _in_whole_numbers(profiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # [unit that varies, concept] float64, and the places of these units
    varied = np.flatnonzero(profiles.min(axis=1) < profiles.max(axis=1))
    centred = profiles[varied].astype(np.float64)
    centred -= centred.mean(axis=1, keepdims=True)
    centred *= SCALE / np.sqrt(np.einsum("uc,uc->u", centred, centred))[:, None]
    return np.rint(centred, out=centred), varied
