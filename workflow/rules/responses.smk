# Needs: a model's weights and the pool of sentences.
# Gives: one number per sentence and unit, in the neuron basis and in a random one; the facts of the model.
# Each sentence is read once per checkpoint, for all concepts, thresholds and controls.


rule collect_responses:
    input:
        pool="results/{study}/sentences/pool.parquet",
        concepts="results/{study}/tables/concepts.parquet",
        weights=weights,
        code=code("models/responses"),
    output:
        responses="results/{study}/responses/{model}/{checkpoint}/neuron.safetensors",
        rotated="results/{study}/responses/{model}/{checkpoint}/rotated.safetensors",
        embeddings="results/{study}/responses/{model}/{checkpoint}/embeddings.safetensors",
        facts="results/{study}/responses/{model}/{checkpoint}/model.parquet",
    log:
        "results/{study}/logs/collect_responses/{model}/{checkpoint}.log",
    group:
        shard("collect_responses")
    conda:
        "../../envs/golgi.yaml"
    threads: threads
    resources:
        turn=1,
        gpu=gpu("collect_responses"),
        mem_mb=memory("collect_responses"),
        runtime=runtime("collect_responses"),
    params:
        folder=lambda w: study_of(w).folder(w.model, w.checkpoint),
        step=lambda w: study_of(w).step(w.checkpoint),
        source=lambda w: study_of(w).kind(w.model),
        bos=lambda w: study_of(w).spec["models"][w.model]["bos"],
        dtype=lambda w: study_of(w).spec["models"][w.model]["dtype"],
        sites=lambda w: study_of(w).spec["experts"]["sites"],
        pooling=lambda w: study_of(w).spec["experts"]["pooling"],
        compute=lambda w: study_of(w).spec["compute"],
        untrained_seed=lambda w: study_of(w).twin_seed(w.checkpoint),
        rotation_seed=lambda w: study_of(w).rotation_seed(w.checkpoint),
        masked=lambda w: study_of(w).masks_words(w.checkpoint),
    message:
        "Reading the sentences with {wildcards.model} at {wildcards.checkpoint}"
    script:
        "../scripts/collect_responses.py"


# Where a shard holds several checkpoints, this is what makes one job of them on a cluster.
rule gather_facts:
    input:
        parts=per_shard("collect_responses", "results/{study}/responses/{model}/{checkpoint}/model.parquet"),
    output:
        table="results/{study}/facts/{model}/{shard}.parquet",
    log:
        "results/{study}/logs/gather_facts/{model}/{shard}.log",
    group:
        shard("collect_responses")
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("gather_facts"),
        runtime=runtime("gather_facts"),
    params:
        schema="models",
        csv=False,
    message:
        "Gathering the facts of {wildcards.model}, shard {wildcards.shard}"
    script:
        "../scripts/gather_tables.py"
