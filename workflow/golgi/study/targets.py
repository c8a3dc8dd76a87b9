"""The files that a run of a study is asked for, by kind."""

from golgi.study.outputs import ANALYSIS_PARTS
from golgi.study.plan import Study
from golgi.study.shards import shards, shared
from golgi.study.writing import WRITTEN_FILES

# Every file is named, not the last ones alone. The output of a job is removed before the job runs, and is not
# missed while what was made from the old one is there: a run that is killed in between, after an edit, would
# leave results of two specs side by side.


def groundwork(study: Study) -> list[str]:
    """Return what the tables stand on: sentences, trained models, responses, expertise, parts of analyses."""
    places = [f"{model}/{checkpoint}" for model, checkpoint in study.rows()]
    files = list(WRITTEN_FILES) if study.llm else []
    files += ["sentences/pool.parquet"]
    files += [f"corpora/{model}/training.jsonl" for model in study.trained()]
    files += [f"models/{model}" for model in study.trained()]
    files += [f"responses/{place}/neuron.safetensors" for place in places]
    files += [f"expertise/{place}/ap.safetensors" for place in places]
    files += [f"overlap/{place}.parquet" for place in places if "overlap" in study.tables]
    files += [
        f"views/{place}/{file}" for place in places for file in ("units.safetensors", "sentences.parquet")
    ]
    files += [f"facts/{model}/{shard}.parquet" for model, shard in shared(study, "collect_responses")]
    for model, shard in shards(study, "score_experts"):
        files += [f"counts/{model}/{shard}.parquet", f"distribution/{model}/{shard}.parquet"]
    for analysis in study.spec["analyses"]:
        for model, checkpoint in study.analysis_rows(analysis):
            place = f"{model}/{checkpoint}"
            files += [pattern.format(place=place) for pattern in ANALYSIS_PARTS.get(analysis, ())]
    files += ["interventions/texts.jsonl"] if "interventions" in study.spec["analyses"] else []
    return [f"{study.results}/{file}" for file in files]


def graphed(study: Study) -> list[str]:
    """Return the neuron graphs of a study: what their tables stand on, and the drawings."""
    files = [f"texts/{part}.jsonl" for part in ("build", *study.graph_texts)] if study.has_graphs else []
    for model, checkpoint in study.graph_rows():
        place = f"{model}/{checkpoint}"
        files += [
            f"{place}/{file}" for file in ("units.parquet", "exemplars.safetensors", "texts.safetensors")
        ]
        for layer in study.graph_layers(model):
            files += [f"{place}/{variant}/layer{layer}.jsonl" for variant in study.graph_variants]
            files += [f"{place}/scores/layer{layer}.parquet"]
        files += [f"{place}/gallery.parquet", f"{place}/windows.parquet"]
    return [f"{study.results}/graphs/{file}" for file in files] + pictured(study)


def pictured(study: Study) -> list[str]:
    """Return the drawings of single graphs."""
    return [
        f"{study.results}/graphs/{model}/{checkpoint}/drawings" for model, checkpoint in study.graph_rows()
    ]


def tabled(study: Study) -> list[str]:
    """Return the tables of a study."""
    return [f"{study.results}/tables/{table}.parquet" for table in study.tables]


def drawn(study: Study) -> list[str]:
    """Return the figures of a study, in every format."""
    formats = ("pdf", "svg", "png")
    return [f"{study.results}/figures/{figure}.{suffix}" for figure in study.figures for suffix in formats]


def reported(study: Study) -> list[str]:
    """Return the report and the atlas of a study, and the file that tells where all of it comes from."""
    return [f"{study.results}/{name}" for name in ("report.html", "atlas", "provenance.json")]


def targets(study: Study) -> list[str]:
    """Return every file that a whole run of a study is asked for."""
    kinds = (groundwork, graphed, tabled, drawn, reported)
    return [file for kind in kinds for file in kind(study)]
