# Needs: the responses of the last checkpoints and of their untrained twins, the pool, the sets, the average precision.
# Gives: how far disjoint folds of sentences find the same experts, and how many experts chance would give. No model
# is run.


rule measure_stability:
    input:
        responses="results/{study}/responses/{model}/{checkpoint}/neuron.safetensors",
        pool="results/{study}/sentences/pool.parquet",
        sets="results/{study}/sentences/sets.parquet",
        concepts="results/{study}/tables/concepts.parquet",
        code=code("statistics/stability", "statistics/folds", "statistics/precision"),
    output:
        stability="results/{study}/stability/{model}/{checkpoint}.parquet",
    log:
        "results/{study}/logs/measure_stability/{model}/{checkpoint}.log",
    conda:
        "../../envs/golgi.yaml"
    threads: threads
    resources:
        mem_mb=memory("measure_stability"),
        runtime=runtime("measure_stability"),
    params:
        sizes=lambda w: {name: analysis(w, "stability")[name] for name in ("folds", "positives", "negatives")},
        step=lambda w: study_of(w).step(w.checkpoint),
        controls=lambda w: [name for name in study_of(w).controls if name == "shuffled"],
        thresholds=lambda w: study_of(w).spec["experts"]["thresholds"],
        seed=lambda w: study_of(w).seed,
    message:
        "Comparing the experts of disjoint sentences, {wildcards.model} at {wildcards.checkpoint}"
    script:
        "../scripts/measure_stability.py"


rule summarise_stability:
    input:
        parts=per_last_row("results/{study}/stability/{model}/{checkpoint}.parquet"),
        code=code("statistics/stability"),
    output:
        stability="results/{study}/tables/stability.parquet",
        csv="results/{study}/tables/stability.csv",
        concepts="results/{study}/tables/stability_concepts.parquet",
        concepts_csv="results/{study}/tables/stability_concepts.csv",
    log:
        "results/{study}/logs/summarise_stability.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("summarise_stability"),
        runtime=runtime("summarise_stability"),
    params:
        folds=lambda w: analysis(w, "stability")["folds"],
        bootstraps=lambda w: analysis(w, "stability")["bootstraps"],
        seed=lambda w: study_of(w).seed,
    message:
        "Summing up the stability of the experts of {wildcards.study}"
    script:
        "../scripts/summarise_stability.py"


rule measure_discoveries:
    input:
        responses="results/{study}/responses/{model}/{checkpoint}/neuron.safetensors",
        ap="results/{study}/expertise/{model}/{checkpoint}/ap.safetensors",
        sets="results/{study}/sentences/sets.parquet",
        concepts="results/{study}/tables/concepts.parquet",
        code=code("statistics/discoveries", "statistics/precision"),
    output:
        discoveries="results/{study}/discoveries/{model}/{checkpoint}.parquet",
    log:
        "results/{study}/logs/measure_discoveries/{model}/{checkpoint}.log",
    conda:
        "../../envs/golgi.yaml"
    threads: threads
    resources:
        mem_mb=memory("measure_discoveries"),
        runtime=runtime("measure_discoveries"),
    params:
        discoveries=lambda w: analysis(w, "discoveries"),
        step=lambda w: study_of(w).step(w.checkpoint),
        thresholds=lambda w: study_of(w).spec["experts"]["thresholds"],
        seed=lambda w: study_of(w).seed,
    message:
        "Counting the experts that chance would give, {wildcards.model} at {wildcards.checkpoint}"
    script:
        "../scripts/measure_discoveries.py"


use rule gather_models as gather_discoveries with:
    input:
        parts=per_last_row("results/{study}/discoveries/{model}/{checkpoint}.parquet"),
    output:
        table="results/{study}/tables/discoveries.parquet",
        csv="results/{study}/tables/discoveries.csv",
    log:
        "results/{study}/logs/gather_discoveries.log",
    resources:
        mem_mb=memory("gather_discoveries"),
        runtime=runtime("gather_discoveries"),
    params:
        schema="discoveries",
    message:
        "Gathering the false discoveries of {wildcards.study}"
