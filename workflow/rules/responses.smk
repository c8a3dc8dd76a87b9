# Needs: a model's weights and the pool of sentences.
# Gives: one number per sentence and unit, in the neuron basis and in a random one; the facts of the model.
# Each sentence is read once per checkpoint, for all concepts, thresholds and controls.

from golgi.study.estimate import response_memory_mb, response_minutes


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
    conda:
        "../../envs/golgi.yaml"
    threads: threads
    resources:
        gpu=gpu,
        mem_mb=planned(response_memory_mb),
        runtime=planned(response_minutes),
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
