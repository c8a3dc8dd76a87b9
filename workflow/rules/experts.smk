# Needs: the responses of a checkpoint, and the sets.
# Gives: the average precision of every unit for every concept, controls included, and the list of expert units.


rule score_experts:
    input:
        responses="results/{study}/responses/{model}/{checkpoint}/neuron.safetensors",
        rotated="results/{study}/responses/{model}/{checkpoint}/rotated.safetensors",
        sets="results/{study}/sentences/sets.parquet",
        concepts="results/{study}/tables/concepts.parquet",
        code=code("experts/scoring"),
    output:
        ap="results/{study}/expertise/{model}/{checkpoint}/ap.safetensors",
        experts="results/{study}/expertise/{model}/{checkpoint}/experts.parquet",
    log:
        "results/{study}/logs/score_experts/{model}/{checkpoint}.log",
    group:
        shard("score_experts")
    conda:
        "../../envs/golgi.yaml"
    threads: threads
    resources:
        turn=1,
        mem_mb=memory("score_experts"),
        runtime=runtime("score_experts"),
    params:
        step=lambda w: study_of(w).step(w.checkpoint),
        controls=lambda w: study_of(w).controls,
        lowest=lambda w: min(study_of(w).spec["experts"]["thresholds"]),
        seed=lambda w: study_of(w).seed,
    message:
        "Scoring the experts of {wildcards.model} at {wildcards.checkpoint}"
    script:
        "../scripts/score_experts.py"
