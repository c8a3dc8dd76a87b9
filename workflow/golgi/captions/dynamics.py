"""Captions of the figures of training dynamics and of polysemy."""

import polars as pl

from golgi.captions.experts import unsupported
from golgi.captions.wording import Findings, Tables, not_apart, percent, spoken, tested
from golgi.figures.rows import (
    at_last,
    at_threshold,
    checkpoints,
    controls,
    counted,
    interval,
    listed,
    moment,
    share,
    study_threshold,
)

TITLES = {
    "dynamics": "Experts and alignment over training",
    "dynamics_by_layer": "Experts and alignment of every layer over training",
    "polysemy": "Concepts that share a unit",
}
SHOWN = {
    "dynamics": (
        "Mean number of experts per concept (AP at least {tau}) and, where the study has references, "
        "Spearman's rank correlation of the overlap of expert sets with each, against training step; "
        "models from light to dark in the order of the study. Bands are 95 % bootstrap intervals, over "
        "concepts for experts and over words for alignment; of more than two models bars show that of the "
        "last checkpoint. Dashed levels are each model's untrained twin; thin dash-dotted lines, of up to "
        "three models, the rotated basis."
    ),
    "dynamics_by_layer": (
        "Mean number of experts per concept (AP at least {tau}) and, where the study has references, "
        "Spearman's rank correlation of the overlap of a layer's expert sets with each. Colours, light to "
        "dark, are checkpoints, early to late; the band is the 95 % bootstrap interval of the last, and "
        "the grey dashed line the untrained twin. Intervals are not corrected for the number of layers."
    ),
    "polysemy": (
        "Above, the share of units that are experts (AP at least {tau}) of at least k concepts, at the "
        "last checkpoint and in the controls. Below, of all pairs of concepts that share a unit, counted "
        "once for each unit, the share that is of one category, with 95 % bootstrap intervals (concepts "
        "resampled); the dotted line is the share under permuted category labels. P-values are one-sided. "
        "Intervals of the share of experts that are of two concepts or more come from a jackknife over "
        "concepts."
    ),
}
# Below this share of the experts left with the word masked, the experts are said to answer to the word.
FEW_LEFT = 0.5


def dynamics(tables: Tables, model: str, options: dict) -> str:
    rows = of_model(tables["dynamics"], model, options).filter(pl.col("layer").is_null())
    measured = rows.filter(pl.col("control") == "measured")
    course = [measured.filter(pl.col("checkpoint") == name).row(0, named=True) for name in checkpoints(rows)]
    first, last = course[0], course[-1]
    text = f"{model}: " + (
        f"{number(first)} experts per concept at {where(first)}, " if len(course) > 1 else ""
    )
    text += f"{number(last)} {span(last)}" + (" experts per concept" if len(course) == 1 else "")
    text += f" at {where(last)}, {percent(last['share'])} of its {last['units']:,} units"
    final = at_last(rows)
    others = {name: final.filter(pl.col("control") == name)["experts"][0] for name in controls(final)}
    named = [f"{value:,.1f} {spoken(name)}" for name, value in others.items()]
    text += f"; {listed(named)}." if named else "."
    text += early_experts(rows, course, others.get("untrained"))
    text += no_more_than_twin(last, others.get("untrained"))
    return " ".join([text, *alignment_courses(tables, model, options)])


def of_model(table: pl.DataFrame, model: str, options: dict) -> pl.DataFrame:
    rows = at_threshold(table, study_threshold(table, options))
    return rows.filter(pl.col("model") == model)


def number(row: dict) -> str:
    return f"{row['experts']:,.1f}"


def where(row: dict) -> str:
    return moment(row["checkpoint"])


def span(row: dict) -> str:
    return f"(95 % interval [{row['experts_low']:,.1f}, {row['experts_high']:,.1f}])"


def early_experts(rows: pl.DataFrame, course: list[dict], twin: float | None) -> str:
    """Why the first checkpoints may have more experts than later ones: the untrained twin has as many."""
    first, fewest = course[0], min(course, key=lambda row: row["experts"])
    if fewest["experts"] >= first["experts_low"]:
        return ""
    text = " The first checkpoint has more experts than later ones, which have as few as "
    text += f"{number(fewest)} at {where(fewest)}"
    if twin is None or twin < first["experts_low"]:
        return text + "."
    text += f"; the untrained twin has as many ({twin:,.1f}): random weights are enough for them."
    masked = rows.filter((pl.col("control") == "word") & (pl.col("checkpoint") == first["checkpoint"]))
    if masked.is_empty() or masked["experts"][0] > FEW_LEFT * first["experts"]:
        return text
    left = masked["experts"][0]
    return text + (
        f" With the concept's word masked {left:,.1f} are left there: they answer to the word, "
        "which random embeddings tell from other words."
    )


def no_more_than_twin(last: dict, twin: float | None) -> str:
    if twin is None or twin < last["experts_low"]:
        return ""
    text = " The last checkpoint has no more experts than the untrained twin:"
    return f"{text} their number is no sign of learning."


def alignment_courses(tables: Tables, model: str, options: dict) -> list[str]:
    """A sentence or two for each reference; none where the study has no reference."""
    if tables.get("dynamics_alignment") is None:
        return []
    rows = of_model(tables["dynamics_alignment"], model, options).filter(pl.col("layer").is_null())
    return [alignment_course(part) for part in rows.partition_by("reference", maintain_order=True)]


def alignment_course(part: pl.DataFrame) -> str:
    measured = part.filter(pl.col("control") == "measured")
    order = checkpoints(part)
    first, last = (
        measured.filter(pl.col("checkpoint") == name).row(0, named=True) for name in (order[0], order[-1])
    )
    if last["rho"] is None:
        name = last["reference"]
        return f"Alignment with {name} is undefined at {where(last)}, since the overlap does not vary."
    final = at_last(part)
    start = f"from {share(first['rho'])} at {where(first)} to ρ" if len(order) > 1 else "ρ"
    text = f"Alignment with {last['reference']}: {start} = {share(last['rho'])} "
    text += f"(95 % interval {interval(last)}) at {where(last)}"
    named = [
        f"{share(final.filter(pl.col('control') == name)['rho'][0])} {spoken(name)}"
        for name in controls(final)
    ]
    text += f"; {listed(named)}." if named else "."
    return text + unsupported(last) + not_apart(last, "rho", final)


def dynamics_by_layer(tables: Tables, model: str, options: dict) -> str:
    layers = of_model(tables["dynamics"], model, options).filter(pl.col("layer").is_not_null())
    rows, twin = last_and_twin(layers, "experts")
    most, fewest = (
        rows.sort("experts", "layer", descending=[down, False]).row(0, named=True) for down in (True, False)
    )
    text = f"{model} at {where(most)}: {beside(most, twin)} experts per concept in layer {most['layer']}"
    text += (
        f", the most, and {beside(fewest, twin)} in layer {fewest['layer']}, the fewest"
        if len(rows) > 1
        else ""
    )
    above = [
        row["layer"] for row in rows.iter_rows(named=True) if row["experts_low"] > twin.get(row["layer"], -1)
    ]
    text += "."
    if twin:
        text += f" The interval of the number lies above the untrained twin's {in_layers(above, len(rows))}."
    return " ".join([text, *layer_alignments(tables, model, options)])


def last_and_twin(layers: pl.DataFrame, value: str) -> tuple[pl.DataFrame, dict[int, float]]:
    """Measured rows of the last checkpoint by layer, and the untrained twin's value in each layer."""
    last = at_last(layers).sort("layer")
    twin = last.filter((pl.col("control") == "untrained") & pl.col(value).is_not_null())
    return last.filter(pl.col("control") == "measured"), dict(twin.select("layer", value).rows())


def beside(row: dict, twin: dict[int, float]) -> str:
    known = row["layer"] in twin
    return number(row) + (f" ({twin[row['layer']]:,.1f} in the untrained twin)" if known else "")


def in_layers(above: list[int], layers: int) -> str:
    if len(above) in (0, layers):
        return "in every layer" if above else "in no layer"
    noun = "layer" if len(above) == 1 else "layers"
    return f"in {noun} {listed([str(layer) for layer in above])} alone"


def layer_alignments(tables: Tables, model: str, options: dict) -> list[str]:
    if tables.get("dynamics_alignment") is None:
        return []
    layers = of_model(tables["dynamics_alignment"], model, options).filter(pl.col("layer").is_not_null())
    return [layer_alignment(part) for part in layers.partition_by("reference", maintain_order=True)]


def layer_alignment(part: pl.DataFrame) -> str:
    rows, twin = last_and_twin(part, "rho")
    known = rows.filter(pl.col("rho").is_not_null() & pl.col("low").is_not_null())
    name = part["reference"][0]
    if known.is_empty():
        return f"Alignment with {name} is undefined in every layer, since the overlap does not vary."
    best = known.sort("rho", "layer", descending=[True, False]).row(0, named=True)
    text = (
        f"Alignment with {name} is highest in layer {best['layer']} (ρ = {share(best['rho'])}, 95 % interval "
    )
    text += f"{interval(best)}). "
    above = [
        row["layer"]
        for row in known.iter_rows(named=True)
        if row["low"] > max(0.0, twin.get(row["layer"], 0.0))
    ]
    level = "0 and the untrained twin" if twin else "0"
    return text + f"Its interval lies above {level} {in_layers(above, len(rows))}."


def polysemy(tables: Tables, model: str, options: dict) -> str:
    rows = at_last(of_model(tables["polysemy_sharing"], model, options))
    row = rows.filter(pl.col("control") == "measured").row(0, named=True)
    start = f"{model} at {where(row)}: {row['experts']:,} of {counted(row['units'], 'unit')}"
    if not row["experts"]:
        return f"{start} are experts: nothing is shared."
    spectrum = at_last(of_model(tables["polysemy"], model, options)).filter(pl.col("control") == "measured")
    text = (
        f"{start} are experts, {share(row['share'])} of them (95 % interval {interval(row)}) of two concepts"
    )
    text += " or more"
    text += f"; {row['mean_concepts']:.1f} concepts on average and {spectrum['concepts'].max()} at most"
    others = rows.filter(pl.col("control") != "measured")
    named = [
        f"{share(others.filter(pl.col('control') == name)['share'][0])} {spoken(name)}"
        for name in controls(others)
    ]
    text += f". The share with two or more is {listed(named)}." if named else "."
    return text + shared_categories(row, others)


def shared_categories(row: dict, others: pl.DataFrame) -> str:
    """Are the concepts of a unit of one category more often than labels at random would have it?"""
    if row["same_category"] is None:
        return " No pair of concepts shares a unit."
    text = (
        f" Of {counted(row['pairs'], 'pair')} that share a unit, {share(row['same_category'], 3)} are of one "
        f"category (95 % interval {interval(row, 3, 'same_category_')}), against {share(row['expected'], 3)} "
        f"under permuted labels ({tested(row)}). {row['one_category']:,} of "
        f"{counted(row['polysemous'], 'polysemous unit')} "
        f"{'serves' if row['one_category'] == 1 else 'serve'} one category alone, "
        f"{row['one_category_expected']:,.1f} expected."
    )
    if row["p_holm"] is None or row["p_holm"] >= 0.05:
        text += " More sharing within categories than chance gives is not shown."
    reached = [
        f"{spoken(name)} ({share(value, 3)})"
        for name in controls(others)
        if (value := others.filter(pl.col("control") == name)["same_category"][0]) is not None
        and row["same_category_low"] is not None
        and value >= row["same_category_low"]
    ]
    return text + (f" Its interval does not lie above the share {listed(reached)}." if reached else "")


FINDINGS: Findings = {
    "dynamics": (dynamics, "dynamics"),
    "dynamics_by_layer": (dynamics_by_layer, "dynamics"),
    "polysemy": (polysemy, "polysemy_sharing"),
}
