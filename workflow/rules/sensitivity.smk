# Needs: a model's weights, the pool and the sets; its responses and average precision as the study chose to read it.
# Gives: experts and alignment with one choice made otherwise, at every model's last checkpoint and for its twin.


SENSITIVITY = "results/{study}/sensitivity/{model}/{checkpoint}"


rule read_variants:
    input:
        pool="results/{study}/sentences/pool.parquet",
        sets="results/{study}/sentences/sets.parquet",
        concepts="results/{study}/tables/concepts.parquet",
        weights=weights,
        code=code("models/variants", "experts/variants"),
    output:
        ap=f"{SENSITIVITY}/ap.safetensors",
        # As large as the study's own responses, once for every other way to read: gone once they are scored.
        responses=temp(f"{SENSITIVITY}/responses.safetensors"),
    log:
        "results/{study}/logs/read_variants/{model}/{checkpoint}.log",
    conda:
        "../../envs/golgi.yaml"
    threads: threads
    resources:
        gpu=gpu("read_variants"),
        mem_mb=memory("read_variants"),
        runtime=runtime("read_variants"),
    params:
        opening=opening,
        reading=lambda w: study_of(w).reading(w.model),
        alternatives=lambda w: {
            name: analysis(w, "sensitivity")[name] for name in ("poolings", "sites", "bos")
        },
    message:
        "Reading the sentences in other ways with {wildcards.model} at {wildcards.checkpoint}"
    script:
        "../scripts/read_variants.py"


rule measure_sensitivity:
    input:
        ap="results/{study}/expertise/{model}/{checkpoint}/ap.safetensors",
        variants=f"{SENSITIVITY}/ap.safetensors",
        responses="results/{study}/responses/{model}/{checkpoint}/neuron.safetensors",
        sets="results/{study}/sentences/sets.parquet",
        concepts="results/{study}/tables/concepts.parquet",
        lexicon=lambda w: study_of(w).spec["concepts"]["lexicon"],
        references=lambda w: list(study_of(w).reference_files.values()),
        code=code("statistics/sensitivity"),
    output:
        sensitivity=f"{SENSITIVITY}.parquet",
    log:
        "results/{study}/logs/measure_sensitivity/{model}/{checkpoint}.log",
    conda:
        "../../envs/golgi.yaml"
    threads: threads
    resources:
        mem_mb=memory("measure_sensitivity"),
        runtime=runtime("measure_sensitivity"),
    params:
        references=lambda w: study_of(w).references,
        reference_files=lambda w: study_of(w).reference_files,
        own=lambda w: study_of(w).reading(w.model),
        sizes=lambda w: {kind: analysis(w, "sensitivity")[kind] for kind in ("positives", "negatives")},
        thresholds=lambda w: study_of(w).spec["experts"]["thresholds"],
        threshold=lambda w: study_of(w).threshold,
        bootstraps=lambda w: analysis(w, "sensitivity")["bootstraps"],
        seed=lambda w: study_of(w).seed,
    message:
        "Measuring how the choices of {wildcards.study} bear on {wildcards.model} at {wildcards.checkpoint}"
    script:
        "../scripts/measure_sensitivity.py"


use rule gather_models as gather_sensitivity with:
    input:
        parts=per_last_row("results/{study}/sensitivity/{model}/{checkpoint}.parquet"),
    output:
        table="results/{study}/tables/sensitivity.parquet",
        csv="results/{study}/tables/sensitivity.csv",
    log:
        "results/{study}/logs/gather_sensitivity.log",
    resources:
        mem_mb=memory("gather_sensitivity"),
        runtime=runtime("gather_sensitivity"),
    params:
        schema="sensitivity",
    message:
        "Gathering the sensitivity of {wildcards.study}"
