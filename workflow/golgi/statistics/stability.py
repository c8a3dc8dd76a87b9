"""Do disjoint sets of sentences find the same experts, and how many sentences does it take?"""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from golgi.errors import GolgiError
from golgi.experts.chance import chance_precision
from golgi.experts.expertise import Rows, average_precision
from golgi.experts.scoring import read_sets
from golgi.statistics.folds import Grid, draw_folds, read_origins, shared_origins, shuffle_each
from golgi.statistics.overlap import jaccard
from golgi.statistics.precision import Point
from golgi.statistics.resampling import bootstrap_means
from golgi.statistics.rescoring import concept_passes, scored_blocks
from golgi.tables import open_arrays, read_table, write_table

logger = logging.getLogger(__name__)

NEAR_BEST = 0.02  # of overlap: sizes this close to the best one are as good
ORDERS = 10_000  # random orders of a fold's sentences, as units without any knowledge would put them
RARE = 0.001  # share of them that may reach a threshold which is called beyond chance
CELL = ["positives", "negatives", "threshold"]
TEST = ["model", "step", "checkpoint", "control", *CELL]


def measure_stability(
    *,
    responses: Path,
    pool: Path,
    sets: Path,
    concepts: Path,
    point: Point,
    controls: Sequence[str],
    thresholds: Sequence[float],
    grid: Grid,
    seed: int,
    threads: int = 1,
    stability: Path,
) -> None:
    """Write table `stability_concepts` of one model and checkpoint: overlap of experts over disjoint folds.

    The first experiment of Fedzechkina et al. 2025: per concept, size of a fold and threshold, the mean
    Jaccard overlap of the expert sets of all pairs of folds (0 for two empty ones, which are counted) and
    the mean number of experts. `responses` holds "{site}/{layer}" [row, unit]; the model is not run. Where
    control `shuffled` is on, the same with labels permuted within each fold. Folds are of whole origins, as
    table `pool` names them, where these fill them (`draw_folds`); what they share is counted. Raises
    GolgiError where a concept has too few sentences for `grid`, or a sentence that the pool has not.
    """
    names = read_table(concepts, schema="concepts")["concept"].to_list()
    labels = read_sets(sets, names)
    origins = read_origins(pool)
    _check_rows(labels, names, origins, sets)
    own = "untrained" if point.checkpoint == "untrained" else "measured"
    kinds = [own, *(["shuffled"] if own == "measured" and "shuffled" in controls else [])]
    frames = []
    with open_arrays(responses) as arrays:
        for part in concept_passes(len(names), len(kinds) * grid.rows):
            drawn = _label_sets(names[part], labels[part], kinds, grid, origins, seed)
            blocks = (block for _, _, block in scored_blocks(arrays, drawn, threads=threads))
            shared = shared_over_folds(blocks, thresholds, sets=len(drawn), folds=grid.folds)
            split = _split_origins(drawn, grid.folds, origins)
            frames.append(_rows(shared, split, names[part], kinds, grid, thresholds))
    frame = pl.concat(frames).with_columns(*point.columns())
    sharing = frame.filter(pl.col("shared_origins") > 0)["concept"].n_unique()
    logger.info(
        "%s at %s: %d folds of %d concepts, %d sizes, %d thresholds; %d of %d overlaps rest on empty sets.",
        *(point.model, point.checkpoint, grid.folds, len(names), len(grid.cells), len(thresholds)),
        *((frame["empty_pairs"] > 0).sum(), len(frame)),
    )
    logger.info("Folds of %d of %d concepts share an origin, for want of others.", sharing, len(names))
    write_table(frame, stability, schema="stability_concepts")


def _check_rows(labels: Sequence[Rows], names: Sequence[str], origins: np.ndarray, sets: Path) -> None:
    for name, rows in zip(names, labels, strict=True):
        last = max(part.max() for part in rows)
        if last >= len(origins):
            raise GolgiError(f"{sets}: concept {name} names sentence {last}; the last is {len(origins) - 1}.")


def _label_sets(
    names: Sequence[str],
    labels: Sequence[Rows],
    kinds: Sequence[str],
    grid: Grid,
    origins: np.ndarray,
    seed: int,
) -> list[Rows]:
    """Label sets in the order [concept, kind, cell, fold]."""
    drawn = []
    for name, rows in zip(names, labels, strict=True):
        folds = draw_folds(rows, name, grid, origins=origins, seed=seed)
        drawn += folds
        drawn += shuffle_each(folds, name, seed=seed) if "shuffled" in kinds else []
    return drawn


def _split_origins(drawn: Sequence[Rows], folds: int, origins: np.ndarray) -> np.ndarray:
    """Origins that folds share, [group] of as many label sets as folds."""
    starts = range(0, len(drawn), folds)
    return np.array([shared_origins(drawn[start : start + folds], origins) for start in starts])


def shared_over_folds(
    blocks: Iterable[np.ndarray], thresholds: Sequence[float], *, sets: int, folds: int
) -> np.ndarray:
    """Return |E_a & E_b| [threshold, group, fold, fold] of the expert sets of folds; the diagonal is sizes.

    `blocks` hold average precision [set, unit] of disjoint units; `folds` sets in a row are one group.
    """
    shared = np.zeros((len(thresholds), sets // folds, folds, folds), np.int64)
    for block in blocks:
        for index, threshold in enumerate(thresholds):
            members = (block >= np.float32(threshold)).reshape(-1, folds, block.shape[1])
            for first, second in zip(*np.triu_indices(folds), strict=True):
                counts = np.count_nonzero(members[:, first] & members[:, second], axis=1)
                shared[index, :, first, second] += counts
                if first != second:
                    shared[index, :, second, first] += counts
    return shared


def _rows(
    shared: np.ndarray,
    split: np.ndarray,
    names: Sequence[str],
    kinds: Sequence[str],
    grid: Grid,
    thresholds: Sequence[float],
) -> pl.DataFrame:
    first, second = np.triu_indices(grid.folds, k=1)
    sizes = np.diagonal(shared, axis1=2, axis2=3)  # [threshold, group, fold]
    empty = (sizes[..., first] == 0) & (sizes[..., second] == 0)
    places = np.indices((len(thresholds), len(names), len(kinds), len(grid.cells))).reshape(4, -1)
    cells = np.array(grid.cells)[places[3]]
    return pl.DataFrame(
        {
            "threshold": np.array(thresholds, np.float64)[places[0]],
            "concept": np.array(names)[places[1]],
            "control": np.array(kinds)[places[2]],
            "positives": cells[:, 0],
            "negatives": cells[:, 1],
            "overlap": jaccard(shared)[..., first, second].mean(axis=-1).ravel(),
            "experts": sizes.mean(axis=-1).ravel(),
            "empty_pairs": empty.sum(axis=-1).ravel(),
            "shared_origins": np.tile(split, len(thresholds)),
        }
    )


def summarise_stability(
    *, parts: Sequence[Path], folds: int, bootstraps: int, seed: int, stability: Path, concepts: Path
) -> None:
    """Write tables `stability` (means over concepts, with intervals) and `stability_concepts` (`concepts`).

    `parts` are what `measure_stability` wrote. Intervals are 95 % percentile bootstraps over concepts. Of
    every model and threshold the smallest size is recommended whose overlap is nearly the best (`recommend`).
    """
    frame = pl.concat([read_table(part, schema="stability_concepts") for part in parts])
    means = [_means(part, bootstraps, seed) for _, part in frame.group_by("model", "checkpoint")]
    table = beside_chance(pl.concat(means).with_columns(folds=pl.lit(folds, pl.Int64)), seed)
    table = recommend(table)
    cases = table.filter(control="measured").n_unique(["model", "threshold"])
    logger.info("A size is recommended in %d of %d cases.", table["recommended"].sum(), cases)
    write_table(table, stability, schema="stability", csv=True)
    write_table(frame, concepts, schema="stability_concepts", csv=True)


def _means(rows: pl.DataFrame, bootstraps: int, seed: int) -> pl.DataFrame:
    rows = rows.sort("concept", *TEST, nulls_last=True)
    concepts = rows["concept"].n_unique()
    sums = rows.group_by(TEST, maintain_order=True).agg(
        pl.col("empty_pairs").sum(),
        concepts=pl.len(),
        sharing_concepts=(pl.col("shared_origins") > 0).sum(),
    )
    columns = {}
    for name in ("overlap", "experts"):
        values = rows[name].to_numpy().reshape(concepts, -1)  # [concept, test]
        low, high = bootstrap_means(values, draws=bootstraps, seed=seed)
        columns |= {name: values.mean(axis=0), f"{name}_low": low, f"{name}_high": high}
    return sums.with_columns(**{name: pl.Series(one) for name, one in columns.items()})


def beside_chance(table: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return rows of `stability` with what chance gives at their numbers of sentences.

    `chance` is the mean average precision over all orders of a fold's sentences, `by_chance` the share of
    seeded random orders that reach the threshold, `beyond_chance` whether that is below one in a thousand.
    The prevalence and its deviation do not do in small folds: of 6 positives and 31 negatives, prevalence
    .16, one order in 50 reaches .5.
    """
    frames = []
    for (positives, negatives), part in table.group_by("positives", "negatives"):
        precision = random_precision(positives, negatives, orders=ORDERS, seed=seed)
        shares = {tau: np.mean(precision >= np.float32(tau)) for tau in part["threshold"].unique()}
        reached = pl.col("threshold").replace_strict(shares, return_dtype=pl.Float64)
        frames.append(
            part.with_columns(
                chance=pl.lit(chance_precision(positives, negatives)),
                by_chance=reached,
                beyond_chance=reached < RARE,
            )
        )
    return pl.concat(frames)


def random_precision(positives: int, negatives: int, *, orders: int, seed: int) -> np.ndarray:
    """Return average precision [order] float32 of seeded random orders of so many sentences."""
    random = np.random.default_rng([seed, 13, positives, negatives])
    rows = np.arange(positives + negatives)

    def read(start: int, stop: int) -> np.ndarray:
        return random.random((len(rows), stop - start), np.float32)

    return average_precision(read, [(rows[:positives], rows[positives:])], units=orders)[0]


def recommend(table: pl.DataFrame) -> pl.DataFrame:
    """Return rows of `stability` with `recommended`, true of one size a model and threshold at most.

    Where a threshold is not beyond chance, every unit is an expert of every fold and overlap is high for
    nothing. Of the other measured sizes whose overlap is within .02 of the best such, the one with the
    fewest sentences is recommended, of equals that with fewer positives.
    """
    free = pl.col("beyond_chance") & (pl.col("control") == "measured") & (pl.col("overlap") > 0)
    level = ["model", "checkpoint", "threshold"]
    best = pl.when(free).then(pl.col("overlap")).max().over(level)
    keys = [*level, "control", "positives", "negatives"]
    chosen = (
        table.filter(free & (pl.col("overlap") >= best - NEAR_BEST))
        .sort(pl.col("positives") + pl.col("negatives"), "positives")
        .unique(level, keep="first", maintain_order=True)
        .select(*keys, recommended=pl.lit(True))
    )
    return table.join(chosen, on=keys, how="left").with_columns(pl.col("recommended").fill_null(False))
