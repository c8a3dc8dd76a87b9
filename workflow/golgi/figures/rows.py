"""Choose the rows of a table that a figure shows, and word them."""

from collections.abc import Iterable

import polars as pl

from golgi.figures.style import CONTROLS


def models(frame: pl.DataFrame, options: dict) -> list[str]:
    """Names of the models in a table, in the order of the option `models`, else as in the table."""
    present = frame["model"].unique(maintain_order=True).to_list()
    wanted = [name for name in options.get("models") or [] if name in present]
    return wanted + [name for name in present if name not in wanted]


def checkpoints(frame: pl.DataFrame) -> list[str]:
    """Checkpoints of training in a table, earliest first, `final` last, without the untrained twin."""
    trained = frame.filter(pl.col("checkpoint") != "untrained").select("step", "checkpoint").unique()
    return trained.sort("step", "checkpoint", nulls_last=True)["checkpoint"].to_list()


def at_last(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of each model's last checkpoint, every control included, and of its untrained twin."""
    last = {model: checkpoints(part)[-1:] for (model,), part in frame.group_by("model")}
    wanted = [
        {"model": model, "checkpoint": name}
        for model, names in last.items()
        for name in [*names, "untrained"]
    ]
    if not wanted:
        return frame
    return frame.join(pl.DataFrame(wanted), on=["model", "checkpoint"], how="semi", maintain_order="left")


def study_threshold(frame: pl.DataFrame, options: dict) -> float:
    """The study's threshold (tau): the option `threshold`, else the lowest in the table, else 0.5."""
    if options.get("threshold") is not None:
        return float(options["threshold"])
    lowest = frame["threshold"].min()
    return 0.5 if lowest is None else float(lowest)


def at_studied(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of each model's last checkpoint alone; of its untrained twin where no other was studied."""
    last = {model: (checkpoints(part) or ["untrained"])[-1] for (model,), part in frame.group_by("model")}
    chosen = pl.col("model").replace_strict(last, default=None, return_dtype=pl.String)
    return frame.filter(pl.col("checkpoint") == chosen)


def at_threshold(frame: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """Rows measured at one threshold (tau)."""
    return frame.filter((pl.col("threshold") - threshold).abs() < 1e-9)


def controls(frame: pl.DataFrame) -> list[str]:
    """Controls present in a table, in the order every figure lists them."""
    present = set(frame["control"].unique())
    return [control for control in CONTROLS if control in present]


def jaccard(frame: pl.DataFrame) -> pl.DataFrame:
    """Alignment of Jaccard overlaps: the rows of the experts and of their controls."""
    return frame.filter(pl.col("measure") == "jaccard")


def mean_experts(counts: pl.DataFrame, by: Iterable[str]) -> pl.DataFrame:
    """Mean number of experts per concept (`mean`) over the concepts (`concepts`), for each group of `by`."""
    per_concept = counts.group_by(*by, "concept", maintain_order=True).agg(pl.col("experts").sum())
    means = per_concept.group_by(*by, maintain_order=True)
    return means.agg(pl.col("experts").mean().alias("mean"), pl.len().alias("concepts"))


def compact(number: float) -> str:
    """A step as a short tick label: 512, 4k, 143k, 1.5M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:g}"


def step_name(checkpoint: str) -> str:
    """A checkpoint as a short label: `final` stays, a step is compacted."""
    return compact(int(checkpoint)) if checkpoint.isdigit() else checkpoint


def step_label(checkpoint: str) -> str:
    """A checkpoint as a label that stands alone: `step 4k`, `final`."""
    return f"step {step_name(checkpoint)}" if checkpoint.isdigit() else checkpoint


def share(value: float | None, digits: int = 2) -> str:
    """A value between -1 and 1 in journal style, without the leading zero; `undefined` for none."""
    if value is None:
        return "undefined"
    text = f"{abs(value):.{digits}f}"
    sign = "\N{MINUS SIGN}" if value < 0 and float(text) != 0 else ""
    return sign + text.removeprefix("0")


def p_value(p: float | None) -> str:
    """A p-value as `p = .012`, or `p < .001`; `p undefined` for none."""
    if p is None:
        return "p undefined"
    return "p < .001" if p < 0.001 else f"p = {share(p, 3)}"


def shorten(name: str, longest: int) -> str:
    """A name cut in its middle, with an ellipsis, to at most `longest` characters."""
    if len(name) <= longest:
        return name
    head = (longest - 1) // 2 + (longest - 1) % 2
    return f"{name[:head]}\N{HORIZONTAL ELLIPSIS}{name[len(name) - (longest - 1 - head) :]}"


def listed(parts: list[str]) -> str:
    """Parts of a sentence joined with commas and a last `and`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def moment(checkpoint: str) -> str:
    """A checkpoint inside a sentence, with its exact step."""
    return f"step {int(checkpoint):,}" if checkpoint.isdigit() else f"the {checkpoint} checkpoint"


def interval(row: dict, digits: int = 2, prefix: str = "") -> str:
    """The interval of a row between its columns `low` and `high`, or others that end so: `[.10, .20]`."""
    return f"[{share(row[prefix + 'low'], digits)}, {share(row[prefix + 'high'], digits)}]"


def counted(number: int, noun: str) -> str:
    """A number and its noun, in the plural unless it is one: `1 concept`, `1,200 pairs`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
