# Needs: for a `train` source its text; for a `hub` source a connection, once.
# What is downloaded is checked by commit or hash, so a changed downloader is no reason to download again.
# Gives: Hugging Face folders, one per checkpoint. A `directory` source needs no rule: it is there.


rule train_model:
    input:
        training="results/{study}/corpora/{model}/training.jsonl",
        heldout="results/{study}/corpora/{model}/heldout.jsonl",
        code=code("models/training"),
    output:
        folder=directory("results/{study}/models/{model}"),
        losses="results/{study}/training/{model}.parquet",
    log:
        "results/{study}/logs/train_model/{model}.log",
    conda:
        "../../envs/golgi.yaml"
    threads: lambda w: study_of(w).training_threads(w.model)
    resources:
        mem_mb=memory("train_model"),
        runtime=runtime("train_model"),
    params:
        source=lambda w: study_of(w).source(w.model)["train"],
        checkpoints=lambda w: list(map(int, study_of(w).weights(w.model))),
        seed=lambda w: study_of(w).seed,
        threads=lambda w: study_of(w).training_threads(w.model),
    message:
        "Training {wildcards.model}"
    script:
        "../scripts/train_model.py"


rule fetch_model:
    output:
        folder=directory("resources/models/{hub}/{revision}"),
    log:
        "resources/logs/fetch_model/{hub}/{revision}.log",
    wildcard_constraints:
        hub=r"[A-Za-z0-9._-]+",
        revision=r"[A-Za-z0-9._-]+",
    retries: 3
    conda:
        "../../envs/golgi.yaml"
    resources:
        download=1,
        mem_mb=memory("fetch_model"),
        runtime=runtime("fetch_model"),
    params:
        name=lambda w: w.hub.replace("--", "/"),
    message:
        "Downloading {wildcards.hub} at {wildcards.revision}"
    script:
        "../scripts/fetch_model.py"


DOWNLOADS = {file: source for study in STUDIES.values() for file, source in study.downloads.items()}


rule fetch_reference:
    output:
        file="resources/references/{file}",
    log:
        "resources/logs/fetch_reference/{file}.log",
    retries: 3
    conda:
        "../../envs/golgi.yaml"
    resources:
        download=1,
        mem_mb=memory("fetch_reference"),
        runtime=runtime("fetch_reference"),
    params:
        source=lambda w: DOWNLOADS[f"resources/references/{w.file}"],
    message:
        "Downloading the ratings {wildcards.file}"
    script:
        "../scripts/fetch_reference.py"
