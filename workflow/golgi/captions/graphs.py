"""Captions of the figures of neuron graphs, with every number taken from the tables."""

import polars as pl

from golgi.figures.graph_ablation import VARIANTS
from golgi.figures.graph_f1_by_layer import BASELINES, TEXTS, WINDOWS
from golgi.figures.graph_gallery import STANDINGS
from golgi.figures.rows import (
    at_last,
    at_studied,
    checkpoints,
    counted,
    interval,
    listed,
    moment,
    p_value,
    share,
)

Tables = dict[str, pl.DataFrame]

TITLES = {
    "graph_f1_by_layer": "Neuron graphs by layer",
    "graph_ablation": "What each stage of neuron graphs buys",
    "graph_naming": "Concepts that the graphs of experts name",
    "graph_gallery": "Neuron graphs beside texts",
}
SHOWN = {
    "graph_f1_by_layer": (
        "Mean F1 with which neuron graphs foretell where a unit fires, by layer, at the last checkpoint, of "
        "units drawn from the layers at random where the study draws any, "
        "on windows in which the unit is most active and on random ones. Band and bars are 95 % bootstrap"
        " intervals over units. The baselines know the activating token alone, or it and the one or two "
        "tokens before it. Long dashes are values published for a 6-layer SoLU model (Foote et al. 2023, "
        "arXiv 2304.12918), each at its own layer. Shifted text is from another source than the text that"
        " graphs were grown on."
    ),
    "graph_ablation": (
        "Precision, recall and F1 of neuron graphs grown without one stage, less those of graphs of the "
        "same units grown with all stages, with 95 % bootstrap intervals over units. What lies left of 0 "
        "is what the stage buys. As published (Foote et al. 2023): from the strongest exemplars only, one "
        "path each, and without calibration. Without any context a graph is a table of tokens, calibrated as "
        "graphs are."
    ),
    "graph_naming": (
        "Share of the best experts of the concepts whose graphs hold the word of their own concept, and mean "
        "share that holds that of another concept of the study: among the tokens that fire the unit, as at"
        " least half of these, weighed by the firings seen with them, or among the tokens of their context. "
        "The word is the concept's word, its plural, or a large piece of a word that is no single token. "
        "Lines are 95 % bootstrap intervals over concepts. P-values are one-sided, concepts permuted."
    ),
    "graph_gallery": (
        "Graphs of units that foretell best, as the median does, and worst, with texts. Context stands "
        "left of the activating token; red is activation as a share of the unit's maximum, and where a "
        "match may end (heavy outline) that which the graph expects; blue bands are the importance of "
        "context; hollow dots are any one token. In the texts, red grounds are true and red underlines "
        "expected activations. Tokens stand left to right in the order in which they are read, those of "
        "right-to-left scripts too, and signs that the type lacks are shown as code points."
    ),
}
SPOKEN_WAYS = {
    "fires": "fire on the word of their own concept",
    "mostly": "fire mostly on it",
    "context": "need it before",
}
SPOKEN = {"token": "the token alone", "bigram": "bigrams", "trigram": "trigrams"}


def graph_f1_by_layer(tables: Tables, model: str, options: dict) -> str:
    """Per site, kind of text and of windows: F1 from the first layer to the last, and what it is above."""
    table = tables["graph_layers"].filter(pl.col("model") == model)
    rows = at_last(table).filter(pl.col("measure") == "f1")
    studied = at_studied(rows)
    sentences = [f"{model} at {moment((checkpoints(rows) or ['untrained'])[-1])}."]
    for site in studied["site"].unique().sort():
        for windows in WINDOWS:
            for text in TEXTS:
                chosen = (pl.col("site") == site) & (pl.col("windows") == windows) & (pl.col("text") == text)
                part = studied.filter(chosen)
                if part.height:
                    twin = rows.filter(chosen, pl.col("checkpoint") == "untrained")
                    sentences.append(f"{site}, {windows} windows of {text} text: {f1_course(part, twin)}")
    if "shifted" not in set(studied["text"]):
        sentences.append("No text from another source was read.")
    return " ".join(sentences)


def f1_course(part: pl.DataFrame, twin: pl.DataFrame) -> str:
    graph = part.filter(pl.col("method") == "graph").sort("layer")
    known = graph.filter(pl.col("mean").is_not_null())
    if known.is_empty():
        return "F1 is undefined in every layer, since no unit that was scored fires."
    first, last = known.row(0, named=True), known.row(-1, named=True)
    text = f"F1 {level(first)}"
    text += f", {level(last)}" if last["layer"] != first["layer"] else ""
    others = [
        f"{share(at_layer(part, method, last['layer']))} for {SPOKEN[method]}"
        for method in BASELINES
        if at_layer(part, method, last["layer"]) is not None
    ]
    untrained = at_layer(twin, "graph", last["layer"])
    if untrained is not None and last["checkpoint"] != "untrained":
        others.append(f"{share(untrained)} in the untrained twin")
    text += f" (there {listed(others)})" if others else ""
    text += silence(graph)
    return f"{text}.{unmatched(part, last)}"


def level(row: dict) -> str:
    """F1 of a layer with its interval."""
    bounds = "" if row["low"] is None else f" {interval(row)}"
    return f"{share(row['mean'])}{bounds} in layer {row['layer']}"


def at_layer(rows: pl.DataFrame, method: str, layer: int) -> float | None:
    found = rows.filter(pl.col("method") == method, pl.col("layer") == layer)["mean"]
    return found[0] if len(found) else None


def silence(graph: pl.DataFrame) -> str:
    """How many units are in no mean, or in it without a prediction, and layers that have no mean at all."""
    total = graph["all_units"].sum()
    text = (
        f"; of {counted(total, 'unit')}, {graph['never_fires'].sum():,} never fire and "
        f"{graph['never_predicts'].sum():,} are never expected to"
    )
    empty = graph.filter(pl.col("mean").is_null())["layer"].to_list()
    return text + (f"; undefined in {counted(len(empty), 'layer')}" if empty else "")


def unmatched(part: pl.DataFrame, last: dict) -> str:
    """A sentence naming the baselines that the graph's interval in its last layer does not exclude."""
    reached = [
        f"that of {SPOKEN[method]}"
        for method in BASELINES
        if (value := at_layer(part, method, last["layer"])) is not None
        and value >= (last["mean"] if last["low"] is None else last["low"])
    ]
    return f" There its interval does not lie above {listed(reached)}." if reached else ""


def graph_ablation(tables: Tables, model: str, options: dict) -> str:
    """Per kind of windows, on test text: F1 with all stages and the change without each of them."""
    rows = at_studied(tables["graph_ablation"].filter(pl.col("model") == model))
    rows = rows.filter(pl.col("measure") == "f1", pl.col("text") == "test")
    sentences = []
    for windows in WINDOWS:
        part = rows.filter(pl.col("windows") == windows)
        full = part.filter(pl.col("variant") == "full")
        if full.is_empty():
            continue
        changes = [
            change(row, name)
            for variant, name in VARIANTS.items()
            for row in part.filter(pl.col("variant") == variant).iter_rows(named=True)
        ]
        units = counted(full["units"][0], "unit")
        start = f"F1 {share(full['mean'][0])} with all stages ({units})"
        sentences.append(f"{windows.capitalize()} windows of test text: {start}, {listed(changes)}.")
    where = f"{model} at {moment((checkpoints(rows) or ['untrained'])[-1])}."
    return " ".join([where, *sentences]) if sentences else f"{model}: its graphs were not scored."


def change(row: dict, name: str) -> str:
    if row["difference"] is None:
        return f"an undefined change {name}"
    bounds = "" if row["difference_low"] is None else f" {interval(row, prefix='difference_')}"
    return f"{share(row['difference'])}{bounds} {name}"


def graph_gallery(tables: Tables, model: str, options: dict) -> str:
    """The range of F1 of each standing over the layers, and the deepest layer's worst unit."""
    rows = at_studied(tables["graph_gallery"].filter(pl.col("model") == model))
    units = rows.unique(["site", "layer", "unit", "standing"]).sort("site", "layer", "unit")
    ranges = [spoken_range(units.filter(pl.col("standing") == standing), standing) for standing in STANDINGS]
    deepest = units.filter(pl.col("layer") == units["layer"].max(), pl.col("standing") == "worst")
    text = f"{model} at {moment(rows['checkpoint'][0])}: F1 {listed([part for part in ranges if part])}"
    if deepest.height:
        row = deepest.row(0, named=True)
        text += f"; the worst of the deepest layer is {row['site']} {row['layer']}.{row['unit']} "
        text += f"(F1 {share(row['f1'])})"
    return text + "."


def spoken_range(units: pl.DataFrame, standing: str) -> str:
    """F1 of the units of one standing: `.80 to .91 (best)`."""
    known = units["f1"].drop_nulls()
    if units.is_empty():
        return ""
    if known.is_empty():
        return f"undefined ({standing})"
    ends = [share(known.min()), share(known.max())]
    undefined = units["f1"].null_count()
    note = f", {undefined} undefined" if undefined else ""
    return f"{' to '.join(dict.fromkeys(ends))} ({standing}{note})"


def graph_naming(tables: Tables, model: str, options: dict) -> str:
    """Per way of naming: how many experts name their own concept, and how many another one."""
    rows = at_last(tables["graph_naming"].filter(pl.col("model") == model))
    sentences = []
    for checkpoint in [*checkpoints(rows), "untrained"]:
        found = {row["how"]: row for row in rows.filter(pl.col("checkpoint") == checkpoint).to_dicts()}
        if found:
            sentences.append(naming_of(found, f"{model} at {moment(checkpoint)}"))
    return " ".join(sentences)


def naming_of(found: dict[str, dict], where: str) -> str:
    """One sentence on one model at one checkpoint, and one more where naming is not shown."""
    first = found["fires"]
    experts = f"{counted(first['experts'], 'expert')} of {counted(first['concepts'], 'concept')}"
    if not first["experts"]:
        return f"{where} no expert has a graph."
    ways = "; ".join(spoken_share(found[how], spoken) for how, spoken in SPOKEN_WAYS.items())
    text = f"{where}, {experts}: {ways}."
    if first["low"] is not None and first["low"] <= first["other"]:
        text += " That experts fire on the word of their own concept more often is not shown."
    return text


def spoken_share(row: dict, way: str) -> str:
    """The share that names its own concept in one way, and the wrong-concept control."""
    bounds = "" if row["low"] is None else f" {interval(row)}"
    other = "" if row["other"] is None else f", {share(row['other'], 3)} that of another"
    p = "" if row["p"] is None else f" ({p_value(row['p'])}{adjusted(row)})"
    return f"{share(row['named'])}{bounds} {way}{other}{p}"


def adjusted(row: dict) -> str:
    return "" if row["p_holm"] is None else f", Holm-adjusted {p_value(row['p_holm'])}"


FINDINGS = {
    "graph_f1_by_layer": (graph_f1_by_layer, "graph_layers"),
    "graph_ablation": (graph_ablation, "graph_ablation"),
    "graph_naming": (graph_naming, "graph_naming"),
    "graph_gallery": (graph_gallery, "graph_gallery"),
}
