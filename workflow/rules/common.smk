from pathlib import Path

from snakemake.exceptions import WorkflowError

from golgi.modules import depends_on
from golgi.study.folders import model_files
from golgi.study.needs import gpus, memory_mb
from golgi.study.outputs import BROWSED_TABLES
from golgi.study.shards import asked_minutes, shard_of, shard_rows, shard_size, shards
from golgi.study.targets import drawn, graphed, groundwork, pictured, reported, tabled

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


def every(*kinds):
    """Input of a target: files of these kinds of all studies. Asked for only when the target is."""
    return lambda wildcards: [file for study in STUDIES.values() for kind in kinds for file in kind(study)]


def code(*modules):
    """The files that hold a method, what they import included: editing one reruns what it feeds."""
    return [f"workflow/golgi/{module}.py" for module in depends_on(*modules)]


def threads(wildcards):
    return study_of(wildcards).threads


# What jobs ask for is what the plan reckons for their rule, times the attempt: a job that was killed for want of memory
# or of time passes the next time.


def asker(wildcards):
    """The study and model that a job works for; of downloads, which several studies may share, the first."""
    if "study" in wildcards.keys():
        return study_of(wildcards), wildcards.get("model")
    return FETCHED.get(f"resources/models/{wildcards.get('hub')}/{wildcards.get('revision')}", ANYONE)


ANYONE = next(iter(STUDIES.values())), None
FETCHED = {
    study.folder(model, checkpoint): (study, model)
    for study in reversed(STUDIES.values())
    for model in study.models
    for checkpoint in study.weights(model)
}


def memory(rule):
    def megabytes(wildcards, attempt):
        study, model = asker(wildcards)
        return attempt * memory_mb(study, rule, model)

    return megabytes


def runtime(rule):
    def minutes(wildcards, attempt):
        study, model = asker(wildcards)
        return attempt * asked_minutes(study, rule, model)

    return minutes


def gpu(rule):
    return lambda wildcards: gpus(study_of(wildcards), rule)


def shard(rule):
    """The checkpoints that share a job on a cluster: as many as keep it busy for a quarter of an hour."""

    def group(wildcards):
        study, number = study_of(wildcards), wildcards.get("shard")
        if number is None:
            number = shard_of(study, rule, wildcards.model, wildcards.checkpoint)
        return f"{rule}-{study.name}-{wildcards.model}-{number}"

    return group


def per_shard(rule, pattern):
    """Input of a job that gathers one file per checkpoint of its shard."""
    return lambda wildcards: [
        pattern.format(study=wildcards.study, model=wildcards.model, checkpoint=checkpoint)
        for checkpoint in shard_rows(study_of(wildcards), rule, wildcards.model, int(wildcards.shard))
    ]


def every_shard(rule, pattern):
    """Input of a job that gathers one file per shard of every model."""
    return lambda wildcards: [
        pattern.format(study=wildcards.study, model=model, shard=number)
        for model, number in shards(study_of(wildcards), rule)
    ]


def facts(wildcards):
    """The facts of every model at every checkpoint: by shard, or where a shard is one checkpoint by that."""
    study, files = study_of(wildcards), []
    for model, number in shards(study, "collect_responses"):
        if shard_size(study, "collect_responses", model) > 1:
            files += [f"{study.results}/facts/{model}/{number}.parquet"]
        else:
            only = shard_rows(study, "collect_responses", model, number)
            files += [f"{study.results}/responses/{model}/{checkpoint}/model.parquet" for checkpoint in only]
    return files


def weights(wildcards):
    """What holds a model's weights: the trained model's folder, the hub's download, or the user's own files."""
    study = study_of(wildcards)
    if wildcards.model in study.trained():
        return f"{study.results}/models/{wildcards.model}"
    folder = study.folder(wildcards.model, wildcards.checkpoint)
    if study.kind(wildcards.model) == "hub":
        return folder
    # The files, not their folder: a folder's time stamp does not change when a file in it is written anew.
    return model_files(folder) or folder


def writer(wildcards):
    """The study whose sentences a language model writes, or an error that says that it has no such writer."""
    study = study_of(wildcards)
    if study.llm is None:
        raise WorkflowError(
            f"Study {study.name} has no writer: name one as `llm` under `concepts.sentences.source` in {study.file}."
        )
    return study


def writer_weights(wildcards):
    """What holds the weights of a writer that runs here; nothing where a server writes."""
    study = writer(wildcards)
    if study.writer_kind == "directory":
        return model_files(study.writer_folder) or study.writer_folder
    return study.writer_folder or []


def written(wildcards):
    """What a language model has written, with the facts about it; nothing where none did."""
    facts = writer_facts(wildcards)
    return [f"results/{wildcards.study}/sentences/written.parquet", *facts] if facts else []


def writer_facts(wildcards):
    """What is known of the language model that wrote a study's sentences; nothing where none did."""
    study = study_of(wildcards)
    return [f"{study.results}/sentences/writer.json"] if study.llm else []


def figure_tables(wildcards, figure):
    """Tables of a figure, or an error that says why the study has no such figure."""
    study = study_of(wildcards)
    if figure not in study.figures:
        listed = ", ".join(study.figures)
        raise WorkflowError(f"Study {study.name} has no figure {figure}. It has: {listed}.")
    return [f"{study.results}/tables/{table}.parquet" for table in study.figure_tables(figure)]


def figure_weights(figure):
    """The table of the weights behind a figure; none of what is drawn before any model is read."""
    return [] if figure == "writing" else "results/{study}/tables/models.parquet"


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


def overlapping(pattern):
    """Input of a job that gathers the overlap of every model and checkpoint, where the study measures it."""
    every_row = per_checkpoint(pattern)
    return lambda wildcards: every_row(wildcards) if "overlap" in study_of(wildcards).tables else []


def browsed_tables(wildcards):
    """The tables that the atlas is written from, of those that the study has."""
    return [table for table in BROWSED_TABLES if table in study_of(wildcards).tables]


def pages_in(folder):
    """The templates, styles and scripts that pages are made of: editing one reruns what writes them."""
    return sorted(str(path.relative_to(workflow.basedir)) for path in Path(LIBRARY, folder).iterdir())


def told_settings(wildcards):
    """The parts of a study that its report says in words; of where sentences come from, the kind alone."""
    study = study_of(wildcards)
    sentences = study.written["concepts"]["sentences"]
    return {
        "threshold": study.threshold,
        "sentences": {**sentences, "source": dict.fromkeys(sentences["source"])},
        "graphs": study.has_graphs,
        "claims": list(study.claims),
        **{part: study.written[part] for part in ("seed", "experts", "analyses")},
    }


def graph_experts(wildcards):
    """The table that joins experts and graphs, where the study has it."""
    study = study_of(wildcards)
    return [f"{study.results}/tables/graph_experts.parquet"] if "graph_experts" in study.tables else []
