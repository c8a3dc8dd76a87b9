"""Captions of the figures of experts, their overlap and their alignment."""

import polars as pl

from golgi.captions.wording import Findings, Tables, not_apart, percent, spoken, tested
from golgi.figures.rows import (
    at_last,
    at_threshold,
    checkpoints,
    controls,
    counted,
    interval,
    jaccard,
    listed,
    mean_experts,
    moment,
    share,
    study_threshold,
)
from golgi.figures.style import BASELINES

TITLES = {
    "training_loss": "Training",
    "experts_by_layer": "Expert neurons by layer",
    "ap_distribution": "Distribution of average precision",
    "threshold_sweep": "The choice of threshold",
    "overlap": "Overlap of concepts",
    "within_between": "Overlap within and between categories",
    "alignment_scatter": "Alignment with the references, pair by pair",
    "alignment_over_training": "Alignment with the references over training",
}
SHOWN = {
    "training_loss": (
        "Cross-entropy of the training batches and of held-out text, with unigram and bigram models "
        "of the same text as horizontal lines."
    ),
    "experts_by_layer": (
        "Mean number of experts per concept in each layer: units whose average precision (AP) for the"
        " concept is at least {tau}. Blue lines, light to dark, are checkpoints; grey lines are "
        "controls at the last one."
    ),
    "ap_distribution": (
        "Share of all pairs of a unit and a concept whose average precision (AP) is at least x, at "
        "the last checkpoint and in the controls. The dotted line is the AP of chance, the solid line"
        " the study's threshold."
    ),
    "threshold_sweep": (
        "Experts per concept, and alignment with each reference, against the threshold, at the last "
        "checkpoint and in the controls."
    ),
    "overlap": (
        "Jaccard overlap of the expert sets (AP at least {tau}) of every pair of concepts at the last"
        " checkpoint, ordered by category; one triangle, without the diagonal. Hatched: neither "
        "concept has an expert. Where few pairs lie far above the others, colours end at the 99th percentile"
        " and the largest value is written beside them."
    ),
    "within_between": (
        "Mean Jaccard overlap of pairs of one category and of two categories (AP at least {tau}), and"
        " below it their difference with 95 % bootstrap intervals (band; thin bars for the rotated basis), "
        "against the controls. P-values are one-sided."
    ),
    "alignment_scatter": (
        "Overlap of expert sets (AP at least {tau}) at the last checkpoint against the rating of each pair, "
        "by people or, where the lexicon is the reference, by shared attributes. Where a reference has few "
        "levels, points are spread sideways and bars are means. P-values are one-sided."
    ),
    "alignment_over_training": (
        "Spearman's rank correlation of overlap (AP at least {tau}) with each reference, ratings by people "
        "or the shared attributes of the lexicon, with 95 % bootstrap intervals (band; thin bars for the "
        "rotated basis), against controls and embedding baselines. P-values are one-sided."
    ),
}


def training_loss(tables: Tables, model: str, options: dict) -> str:
    rows = tables["training"].filter(pl.col("model") == model).sort("step")
    heldout = rows.filter(pl.col("heldout_loss").is_not_null())
    if heldout.is_empty():
        return f"{model}: held-out loss was not measured."
    first, last = heldout.row(0, named=True), heldout.row(-1, named=True)
    text = (
        f"{model}: held-out loss goes from {first['heldout_loss']:.2f} at step {first['step']:,} to "
        f"{last['heldout_loss']:.2f} nats per token at step {last['step']:,}"
    )
    against = []
    for name in ("unigram", "bigram"):
        if last[f"{name}_loss"] is not None:
            side = "below" if last["heldout_loss"] < last[f"{name}_loss"] else "not below"
            against.append(f"{side} the {name} model's {last[f'{name}_loss']:.2f}")
    return text + (f", {listed(against)}." if against else ".")


def experts_by_layer(tables: Tables, model: str, options: dict) -> str:
    threshold = study_threshold(tables["counts"], options)
    last = at_last(at_threshold(tables["counts"], threshold).filter(pl.col("model") == model))
    totals = dict(mean_experts(last, ("control",)).select("control", "mean").rows())
    measured = totals.pop("measured")
    layers = mean_experts(last.filter(pl.col("control") == "measured"), ("site", "layer")).sort(
        "mean", descending=True
    )
    where = layers.row(0, named=True)
    text = f"{model} at {moment(checkpoints(last)[-1])}: {measured:,.1f} experts per concept"
    text += f", most in layer {where['layer']} of {where['site']} ({where['mean']:,.1f})" if measured else ""
    named = [f"{totals[control]:,.1f} {spoken(control)}" for control in controls(last)]
    text += f"; {listed(named)}" if named else ""
    matched = [spoken(control) for control in controls(last) if totals[control] >= measured]
    return text + "." + (f" There are no more experts than {listed(matched)}." if matched else "")


def ap_distribution(tables: Tables, model: str, options: dict) -> str:
    last = at_last(tables["distribution"].filter(pl.col("model") == model))
    threshold = float(options.get("threshold") or 0.5)
    edge = last.filter(pl.col("low") >= threshold - 1e-9)["low"].min()
    if edge is None:
        return f"{model}: no bin of the distribution begins at or above AP {share(threshold)}."
    reach = {control: share_above(last, control, edge) for control in ["measured", *controls(last)]}
    pairs = last.filter(pl.col("control") == "measured")["pairs"].sum()
    text = (
        f"{model} at {moment(checkpoints(last)[-1])}: {percent(reach.pop('measured'))} of "
        f"{counted(pairs, 'pair')} reach AP {share(edge)}"
    )
    named = [f"{percent(value)} {spoken(control)}" for control, value in reach.items()]
    text += f" ({listed(named)})" if named else ""
    return f"{text}; chance is AP {share(last['chance'].mean())}."


def share_above(last: pl.DataFrame, control: str, edge: float) -> float:
    part = last.filter(pl.col("control") == control)
    return part.filter(pl.col("low") >= edge - 1e-9)["pairs"].sum() / max(part["pairs"].sum(), 1)


def threshold_sweep(tables: Tables, model: str, options: dict) -> str:
    last = at_last(tables["counts"].filter(pl.col("model") == model)).filter(pl.col("control") == "measured")
    means = mean_experts(last, ("threshold",)).sort("threshold")
    first, final = means.row(0, named=True), means.row(-1, named=True)
    text = (
        f"{model}: from threshold {share(first['threshold'])} to {share(final['threshold'])}, experts per "
        f"concept go from {first['mean']:,.1f} to {final['mean']:,.1f}"
    )
    if tables.get("alignment") is None:
        return text + "."
    rows = jaccard(tables["alignment"].filter((pl.col("model") == model) & (pl.col("control") == "measured")))
    rows = at_last(rows).sort("threshold")
    for reference in rows["reference"].unique().sort():
        values = rows.filter(pl.col("reference") == reference)["rho"].to_list()
        text += f", alignment with {reference} from {share(values[0])} to {share(values[-1])}"
    return text + "."


def overlap(tables: Tables, model: str, options: dict) -> str:
    threshold = study_threshold(tables["overlap"], options)
    rows = at_threshold(tables["overlap"], threshold).filter(
        (pl.col("model") == model) & (pl.col("control") == "measured") & (pl.col("checkpoint") != "untrained")
    )
    rows = at_last(rows)
    known = rows.filter(~pl.col("empty"))
    start = f"{model}: {counted(rows.height, 'pair')}, {rows.height - known.height:,} of them without experts"
    if known.is_empty():
        return f"{start}: nothing can be compared."
    most = known.sort("jaccard", "concept_a", "concept_b", descending=[True, False, False]).row(0, named=True)
    return (
        f"{start}; the median overlap of the others is {share(known['jaccard'].median(), 3)}, the largest "
        f"{share(most['jaccard'], 3)} ({most['concept_a']} and {most['concept_b']})."
    )


def within_between(tables: Tables, model: str, options: dict) -> str:
    threshold = study_threshold(tables["categories"], options)
    last = at_last(at_threshold(tables["categories"], threshold).filter(pl.col("model") == model))
    row = last.filter(pl.col("control") == "measured").row(0, named=True)
    ratio = "no ratio, since between is 0" if row["ratio"] is None else f"ratio {row['ratio']:.2f}"
    text = (
        f"{model} at {moment(row['checkpoint'])}: {share(row['within'], 3)} within and "
        f"{share(row['between'], 3)} between ({ratio}; "
        f"difference {share(row['difference'], 3)}, 95 % interval {interval(row, 3)}, "
        f"{tested(row)})."
    )
    if row["difference"] <= 0:
        text += " Concepts of one category do not share more experts than concepts of two."
    elif row["low"] <= 0:
        text += " The interval of the difference includes 0: more overlap within categories is not shown."
    return text + not_apart(row, "difference", last)


def alignment_rows(tables: Tables, model: str, options: dict) -> list[pl.DataFrame]:
    """Rows of the last checkpoint, the baselines among them, one frame per reference that was measured."""
    table = tables["alignment"].filter(pl.col("model") == model)
    threshold = study_threshold(jaccard(table), options)
    rows = pl.concat(
        [at_threshold(jaccard(table), threshold), table.filter(pl.col("control").is_in(BASELINES))]
    )
    frames = rows.partition_by("reference", maintain_order=True)
    return [frame for frame in frames if frame.filter(pl.col("control") == "measured").height]


def measured_alignment(frame: pl.DataFrame) -> dict:
    return at_last(frame).filter(pl.col("control") == "measured").row(0, named=True)


def alignment_text(row: dict) -> str:
    if row["rho"] is None:
        return "ρ is undefined, since the overlap does not vary"
    return f"ρ = {share(row['rho'])} (95 % interval {interval(row)}, {tested(row)})"


def alignment_scatter(tables: Tables, model: str, options: dict) -> str:
    sentences = []
    for frame in alignment_rows(tables, model, options):
        row = measured_alignment(frame)
        sentences.append(
            f"{model} at {moment(row['checkpoint'])} with {row['reference']}: {alignment_text(row)} over "
            f"{counted(row['pairs'], 'pair')} of {counted(row['words'], 'word')}, {row['empty_pairs']:,} of "
            f"them without experts.{unsupported(row)}"
        )
    return " ".join(sentences)


def unsupported(row: dict) -> str:
    if row["rho"] is None:
        return ""
    if row["low"] is not None and row["low"] <= 0:
        return " The interval includes 0: alignment is not shown."
    return ""


def alignment_over_training(tables: Tables, model: str, options: dict) -> str:
    sentences = []
    for frame in alignment_rows(tables, model, options):
        row = measured_alignment(frame)
        last = at_last(frame)
        others = [
            f"{share(last.filter(pl.col('control') == control)['rho'][0])} {spoken(control)}"
            for control in (*controls(last), *BASELINES)
            if control in set(last["control"])
        ]
        text = f"{model}, {row['reference']}: {course(frame)}"
        text += f"; {listed(others)}" if others else ""
        text += (
            f"; people agree with each other at {share(row['ceiling'])}" if row["ceiling"] is not None else ""
        )
        sentences.append(
            f"{text}.{unsupported(row)}" + ("" if row["rho"] is None else not_apart(row, "rho", last))
        )
    return " ".join(sentences)


def course(frame: pl.DataFrame) -> str:
    """From the first checkpoint to the last, in words."""
    measured = frame.filter(pl.col("control") == "measured")
    order = checkpoints(measured)
    last = measured_alignment(frame)
    if len(order) == 1:
        return f"{alignment_text(last)} at {moment(order[0])}"
    first = measured.filter(pl.col("checkpoint") == order[0]).row(0, named=True)
    start = "undefined" if first["rho"] is None else f"= {share(first['rho'])}"
    return f"from ρ {start} at {moment(order[0])} to {alignment_text(last)} at {moment(order[-1])}"


FINDINGS: Findings = {
    "training_loss": (training_loss, "training"),
    "experts_by_layer": (experts_by_layer, "counts"),
    "ap_distribution": (ap_distribution, "distribution"),
    "threshold_sweep": (threshold_sweep, "counts"),
    "overlap": (overlap, "overlap"),
    "within_between": (within_between, "categories"),
    "alignment_scatter": (alignment_scatter, "alignment"),
    "alignment_over_training": (alignment_over_training, "alignment"),
}
