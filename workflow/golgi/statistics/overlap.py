"""How similar concepts are to a model: the overlap of their expert sets.

A unit is one coordinate of one site in one layer: experts of different sites and layers are different
experts, so counts of shared ones add up over sites and layers.
"""

import logging
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl

from golgi.statistics.precision import check_concepts, layer_blocks, read_point, scored_layers
from golgi.tables import open_arrays, read_table, write_table

logger = logging.getLogger(__name__)


def measure_overlap(*, ap: Path, concepts: Path, thresholds: Sequence[float], overlap: Path) -> None:
    """Write table `overlap` of one model and checkpoint: every control, threshold and pair of concepts.

    `ap` is what `score_experts` wrote. Similarity as in Fedzechkina et al. 2025 (Jaccard index
    of expert sets), with other measures beside it. Raises GolgiError if arrays and concepts do not fit.
    """
    names = read_table(concepts, schema="concepts")["concept"].to_list()
    frames = []
    with open_arrays(ap) as arrays:
        check_concepts(arrays, names)
        for control, layers in groupby(scored_layers(arrays), key=lambda layer: layer.control):
            shared, products = shared_experts(layer_blocks(arrays, layers), thresholds, len(names))
            frames.append(
                _pairs(shared, products, names, thresholds).with_columns(pl.lit(control).alias("control"))
            )
        frame = pl.concat(frames).with_columns(*read_point(arrays).columns())
    logger.info("%s: %d of %d pairs have no expert on either side.", ap, frame["empty"].sum(), len(frame))
    write_table(frame, overlap, schema="overlap")


def shared_experts(
    blocks: Iterable[np.ndarray], thresholds: Sequence[float], concepts: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return |E_a & E_b| [threshold, concept, concept] and the dot products of AP vectors [concept, concept].

    `blocks` hold average precision [concept, unit] of disjoint units. The diagonals are sizes of sets and
    squared lengths.
    """
    shared = np.zeros((len(thresholds), concepts, concepts), np.int64)
    products = np.zeros((concepts, concepts))
    for block in blocks:
        products += block.astype(np.float64) @ block.astype(np.float64).T
        for index, threshold in enumerate(thresholds):
            members = block >= np.float32(threshold)
            members = members[:, members.any(axis=0)].astype(np.float32)  # exact below 2^24 units a block
            shared[index] += (members @ members.T).astype(np.int64)
    return shared, products


def jaccard(shared: np.ndarray) -> np.ndarray:
    """Return |A & B| / |A | B| [..., set, set] of shared counts, whose diagonal is sizes; 0 for no union.

    >>> jaccard(np.array([[2, 1], [1, 3]]))[0, 1]
    np.float64(0.25)
    """
    first, second = _sizes(shared)
    return _ratio(shared, first + second - shared)


def overlap_coefficient(shared: np.ndarray) -> np.ndarray:
    """Return |A & B| / min(|A|, |B|) [..., set, set]; 0 where the smaller set is empty."""
    return _ratio(shared, np.minimum(*_sizes(shared)))


def containment(shared: np.ndarray) -> np.ndarray:
    """Return |A & B| / |A| [..., A, B]: how much of A lies in B; 0 where A is empty."""
    return _ratio(shared, np.broadcast_to(_sizes(shared)[0], shared.shape))


def cosine(products: np.ndarray) -> np.ndarray:
    """Return cosines of dot products [vector, vector], the diagonal squared lengths; 0 for a null vector."""
    lengths = np.sqrt(np.diagonal(products))
    return np.clip(_ratio(products, np.outer(lengths, lengths)), -1.0, 1.0)


def _sizes(shared: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sizes = np.diagonal(shared, axis1=-2, axis2=-1)
    return sizes[..., :, None], sizes[..., None, :]


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0)


def _pairs(
    shared: np.ndarray, products: np.ndarray, names: list[str], thresholds: Sequence[float]
) -> pl.DataFrame:
    first, second = np.triu_indices(len(names), k=1)
    names_first, names_second = np.array(names)[first], np.array(names)[second]
    precision_cosine = cosine(products)[first, second]
    frames = []
    for threshold, counts in zip(thresholds, shared, strict=True):
        sizes = np.diagonal(counts)
        columns = {
            "concept_a": names_first,
            "concept_b": names_second,
            "experts_a": sizes[first],
            "experts_b": sizes[second],
            "shared": counts[first, second],
            "jaccard": jaccard(counts)[first, second],
            "overlap_coefficient": overlap_coefficient(counts)[first, second],
            "containment_a": containment(counts)[first, second],
            "containment_b": containment(counts)[second, first],
            "ap_cosine": precision_cosine,
            "empty": (sizes[first] == 0) & (sizes[second] == 0),
        }
        frames.append(pl.DataFrame(columns).with_columns(pl.lit(float(threshold)).alias("threshold")))
    return pl.concat(frames)
