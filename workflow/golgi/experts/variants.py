"""Average precision of units that were read in other ways than the study's own, for the study's own sets."""

import logging
from functools import partial
from pathlib import Path

import numpy as np

from golgi.errors import GolgiError
from golgi.experts.expertise import average_precision
from golgi.experts.scoring import read_sets
from golgi.tables import create_arrays, open_arrays, read_table

logger = logging.getLogger(__name__)


def score_variants(*, responses: Path, sets: Path, concepts: Path, ap: Path, threads: int = 1) -> None:
    """Write `ap`: every array of `responses` [sentence, unit] as average precision [concept, unit] float32.

    Expertise as in Suau et al. 2020, sec. 3, with the study's sets; arrays keep their names. Raises
    GolgiError naming the array if sets and responses do not fit, or a response is not finite.
    """
    names = read_table(concepts, schema="concepts")["concept"].to_list()
    labels = read_sets(sets, names)
    with open_arrays(responses) as arrays:
        layout = {name: ((len(names), arrays.shape(name)[1]), np.dtype(np.float32)) for name in arrays.names}
        with create_arrays(ap, layout=layout) as written:
            for name, (shape, _) in layout.items():
                read = partial(arrays.columns, name)
                try:
                    written[name][...] = average_precision(read, labels, units=shape[1], threads=threads)
                except GolgiError as error:
                    raise GolgiError(f"{arrays.path}, {name}: {error}") from error
                logger.info("Scored %s: %d units, %d concepts.", name, shape[1], shape[0])
