# Needs: the responses of the last checkpoints and of the untrained twins, the sets, and the average precision of units.
# Gives: linear probes on the same responses beside the best single unit, and bases compared at equal numbers of units.
# No model is run. Sentences of one origin are never both learnt from and held out, where a concept has several.


rule fit_probes:
    input:
        responses="results/{study}/responses/{model}/{checkpoint}/neuron.safetensors",
        rotated="results/{study}/responses/{model}/{checkpoint}/rotated.safetensors",
        pool="results/{study}/sentences/pool.parquet",
        sets="results/{study}/sentences/sets.parquet",
        concepts="results/{study}/tables/concepts.parquet",
        code=code("models/probes"),
    output:
        probes="results/{study}/distributed/{model}/{checkpoint}.parquet",
    log:
        "results/{study}/logs/fit_probes/{model}/{checkpoint}.log",
    conda:
        "../../envs/golgi.yaml"
    threads: threads
    resources:
        mem_mb=memory("fit_probes"),
        runtime=runtime("fit_probes"),
    params:
        step=lambda w: study_of(w).step(w.checkpoint),
        controls=lambda w: study_of(w).controls,
        sizes=lambda w: analysis(w, "distributed")["sizes"],
        heldout=lambda w: analysis(w, "distributed")["heldout"],
        seed=lambda w: study_of(w).seed,
    message:
        "Fitting probes to the responses of {wildcards.model} at {wildcards.checkpoint}"
    script:
        "../scripts/fit_probes.py"


use rule gather_models as gather_probes with:
    input:
        parts=per_last_row("results/{study}/distributed/{model}/{checkpoint}.parquet"),
    output:
        table="results/{study}/tables/probes.parquet",
        csv="results/{study}/tables/probes.csv",
    log:
        "results/{study}/logs/gather_probes.log",
    resources:
        mem_mb=memory("gather_probes"),
        runtime=runtime("gather_probes"),
    params:
        schema="probes",
    message:
        "Gathering the probes of {wildcards.study}"


rule measure_distributed:
    input:
        probes="results/{study}/tables/probes.parquet",
        aps=per_last_row("results/{study}/expertise/{model}/{checkpoint}/ap.safetensors"),
        concepts="results/{study}/tables/concepts.parquet",
        code=code("statistics/distributed"),
    output:
        distributed="results/{study}/tables/distributed.parquet",
        distributed_csv="results/{study}/tables/distributed.csv",
        equal_units="results/{study}/tables/equal_units.parquet",
        equal_units_csv="results/{study}/tables/equal_units.csv",
    log:
        "results/{study}/logs/measure_distributed.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("measure_distributed"),
        runtime=runtime("measure_distributed"),
    params:
        distributed=lambda w: analysis(w, "distributed"),
        last_checkpoints=lambda w: study_of(w).last_checkpoints,
        seed=lambda w: study_of(w).seed,
    message:
        "Comparing single units, probes and bases of {wildcards.study}"
    script:
        "../scripts/measure_distributed.py"
