from pathlib import Path

from snakemake.exceptions import WorkflowError

from golgi.modules import depends_on
from golgi.study.analysis_estimate import analysis_memory_mb, analysis_minutes
from golgi.study.outputs import ANALYSIS_PARTS

# Small words that several stages say. Each looks one thing up in the plan of a study.


def study_of(wildcards):
    return STUDIES[wildcards.study]


def per_checkpoint(pattern):
    """Input of a job that gathers one file per model and checkpoint."""
    return lambda wildcards: [
        pattern.format(study=wildcards.study, model=model, checkpoint=checkpoint)
        for model, checkpoint in study_of(wildcards).rows()
    ]


def per_last_row(pattern):
    """Input of a job that gathers one file per model at its last checkpoint, and of its twin."""
    return lambda wildcards: [
        pattern.format(study=wildcards.study, model=model, checkpoint=checkpoint)
        for model, checkpoint in study_of(wildcards).last_rows()
    ]


# Every file is named as a target, not the last ones alone. Snakemake removes a job's output before the job runs, and
# does not miss it while what was made from the old one is there: a run that is killed in between, after an edit, would
# leave results of two specs side by side.


def groundwork(study):
    """What the tables stand on: sentences, trained models, responses, expertise, and what analyses leave of each."""
    places = [f"{model}/{checkpoint}" for model, checkpoint in study.rows()]
    files = ["sentences/pool.parquet"]
    files += [f"corpora/{model}/training.jsonl" for model in study.trained()]
    files += [f"models/{model}" for model in study.trained()]
    files += [f"responses/{place}/neuron.safetensors" for place in places]
    files += [f"expertise/{place}/ap.safetensors" for place in places]
    files += [f"overlap/{place}.parquet" for place in places if "overlap" in study.tables]
    for analysis in study.spec["analyses"]:
        for model, checkpoint in study.analysis_rows(analysis):
            place = f"{model}/{checkpoint}"
            files += [pattern.format(place=place) for pattern in ANALYSIS_PARTS.get(analysis, ())]
    files += ["interventions/texts.jsonl"] if "interventions" in study.spec["analyses"] else []
    return [f"{study.results}/{file}" for file in files]


def graphed(study):
    """The neuron graphs of a study: what their tables stand on, and the drawings."""
    files = [f"texts/{part}.jsonl" for part in ("build", *study.graph_texts)] if study.has_graphs else []
    for model, checkpoint in study.graph_rows():
        place = f"{model}/{checkpoint}"
        files += [
            f"{place}/{file}" for file in ("units.parquet", "exemplars.safetensors", "texts.safetensors")
        ]
        for layer in study.graph_layers(model):
            files += [f"{place}/{variant}/layer{layer}.jsonl" for variant in study.graph_variants]
            files += [f"{place}/scores/layer{layer}.parquet"]
        files += [f"{place}/gallery.parquet", f"{place}/drawings"]
    return [f"{study.results}/graphs/{file}" for file in files]


def tabled(study):
    """The tables of a study."""
    return [f"{study.results}/tables/{table}.parquet" for table in study.tables]


def drawn(study):
    """The figures of a study, in every format."""
    formats = ("pdf", "svg", "png")
    return [f"{study.results}/figures/{figure}.{suffix}" for figure in study.figures for suffix in formats]


def every(*kinds):
    """Input of a target: files of these kinds of all studies. Asked for only when the target is."""
    return lambda wildcards: [file for study in STUDIES.values() for kind in kinds for file in kind(study)]


def code(*modules):
    """The files that hold a method, what they import included: editing one reruns what it feeds."""
    return [f"workflow/golgi/{module}.py" for module in depends_on(*modules)]


def gpu(wildcards):
    return study_of(wildcards).gpu


def threads(wildcards):
    return study_of(wildcards).threads


def memory(megabytes):
    """Memory that grows with the attempt, so that a job killed for want of it passes the next time."""
    return lambda wildcards, attempt: megabytes * attempt


def planned(estimate):
    """Megabytes or minutes as the plan reckons them for a model, growing with the attempt."""
    return lambda wildcards, attempt: attempt * estimate(study_of(wildcards), wildcards.model)


def analysed(estimate, name):
    """Megabytes or minutes of an analysis of a checkpoint, as the plan reckons them, growing with the attempt."""
    return lambda wildcards, attempt: attempt * estimate(study_of(wildcards), wildcards.model, name)


def weights(wildcards):
    """What holds a model's weights: the trained model's folder, the hub's download, or the user's own files."""
    study = study_of(wildcards)
    if wildcards.model in study.trained():
        return f"{study.results}/models/{wildcards.model}"
    folder = study.folder(wildcards.model, wildcards.checkpoint)
    if study.kind(wildcards.model) == "hub":
        return folder
    # The files, not their folder: a folder's time stamp does not change when a file in it is written anew.
    return (
        sorted(str(path) for pattern in ("*.json", "*.safetensors") for path in Path(folder).glob(pattern))
        or folder
    )


def figure_tables(wildcards, figure):
    """Tables of a figure, or an error that says why the study has no such figure."""
    study = study_of(wildcards)
    if figure not in study.figures:
        listed = ", ".join(study.figures)
        raise WorkflowError(f"Study {study.name} has no figure {figure}. It has: {listed}.")
    return [f"{study.results}/tables/{table}.parquet" for table in study.figure_tables(figure)]


def analysis(wildcards, name):
    """Settings of an analysis, or an error that says that the study does not ask for it."""
    study = study_of(wildcards)
    if name not in study.spec["analyses"]:
        raise WorkflowError(
            f"Study {study.name} has no analysis {name}: add it under `analyses` in {study.file}."
        )
    return study.spec["analyses"][name]


def intervention_fields(*names):
    """Some settings of the analysis, so that a job knows no others."""
    return lambda wildcards: {name: analysis(wildcards, "interventions")[name] for name in names}


def opening(wildcards):
    """How a model is opened to be read for neuron graphs."""
    study, model, checkpoint = study_of(wildcards), wildcards.model, wildcards.checkpoint
    compute = study.spec["compute"]
    return {
        "folder": study.folder(model, checkpoint),
        "who": f"{model}@{checkpoint}",
        "untrained_seed": study.twin_seed(checkpoint),
        "dtype": study.spec["models"][model]["dtype"],
        "bos": study.spec["models"][model]["bos"],
        "device": compute["device"],
        "batch_tokens": compute["batch_tokens"],
    }


def masked_lm(wildcards):
    """The files of the masked language model that proposes substitutes; none where the study has none."""
    study = study_of(wildcards)
    if study.masked_lm is None or study.masked_lm_is_fetched:
        return study.masked_lm or []
    return sorted(str(path) for path in Path(study.masked_lm).glob("*.*")) or study.masked_lm


def test_texts(wildcards):
    """Texts that the graphs of a study are scored on."""
    return study_of(wildcards).graph_texts


def grown_variants(wildcards):
    """The whole method, and where the study asks for it the method without each of its stages."""
    return study_of(wildcards).graph_variants


def per_graph_row(file):
    """Input of a job that gathers one file per model and checkpoint with graphs."""
    return lambda wildcards: [
        f"results/{wildcards.study}/graphs/{model}/{checkpoint}/{file}"
        for model, checkpoint in study_of(wildcards).graph_rows()
    ]


def per_layer(file, everywhere=True):
    """Input of a job that gathers one file per layer, of every model and checkpoint or of the job's own."""

    def files(wildcards):
        study = study_of(wildcards)
        rows = study.graph_rows() if everywhere else [(wildcards.model, wildcards.checkpoint)]
        return [
            f"{study.results}/graphs/{model}/{checkpoint}/{file.format(layer=layer)}"
            for model, checkpoint in rows
            for layer in study.graph_layers(model)
        ]

    return files


def staged(estimate, stage):
    """Megabytes or minutes of a stage of neuron graphs, as the plan reckons them, growing with the attempt."""
    return lambda wildcards, attempt: attempt * estimate(study_of(wildcards), wildcards.model, stage)


def graph_experts(wildcards):
    """The table that joins experts and graphs, where the study has it."""
    study = study_of(wildcards)
    return [f"{study.results}/tables/graph_experts.parquet"] if "graph_experts" in study.tables else []
