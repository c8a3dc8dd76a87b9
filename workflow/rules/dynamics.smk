# Needs: the average precision of every unit, at every checkpoint, and the references of the study, if any.
# Gives: how experts change over training, by layer; and how many concepts they are experts of at its end.


rule measure_dynamics:
    input:
        aps=per_checkpoint(f"{EXPERTISE}/ap.safetensors"),
        concepts=f"{TABLES}/concepts.parquet",
        lexicon=lambda w: study_of(w).spec["concepts"]["lexicon"],
        references=lambda w: list(study_of(w).reference_files.values()),
        code=code("statistics/dynamics"),
    output:
        dynamics=f"{TABLES}/dynamics.parquet",
        dynamics_csv=f"{TABLES}/dynamics.csv",
        alignment=f"{TABLES}/dynamics_alignment.parquet",
        alignment_csv=f"{TABLES}/dynamics_alignment.csv",
    log:
        "results/{study}/logs/measure_dynamics.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("measure_dynamics"),
        runtime=runtime("measure_dynamics"),
    params:
        dynamics=lambda w: analysis(w, "dynamics"),
        references=lambda w: study_of(w).references,
        reference_files=lambda w: study_of(w).reference_files,
        threshold=lambda w: study_of(w).threshold,
        seed=lambda w: study_of(w).seed,
    message:
        "Following the experts of {wildcards.study} over training"
    script:
        "../scripts/measure_dynamics.py"


rule measure_polysemy:
    input:
        aps=per_last_row(f"{EXPERTISE}/ap.safetensors"),
        concepts=f"{TABLES}/concepts.parquet",
        code=code("statistics/polysemy"),
    output:
        polysemy=f"{TABLES}/polysemy.parquet",
        polysemy_csv=f"{TABLES}/polysemy.csv",
        sharing=f"{TABLES}/polysemy_sharing.parquet",
        sharing_csv=f"{TABLES}/polysemy_sharing.csv",
    log:
        "results/{study}/logs/measure_polysemy.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("measure_polysemy"),
        runtime=runtime("measure_polysemy"),
    params:
        polysemy=lambda w: analysis(w, "polysemy"),
        threshold=lambda w: study_of(w).threshold,
        seed=lambda w: study_of(w).seed,
    message:
        "Counting the concepts of each expert of {wildcards.study}"
    script:
        "../scripts/measure_polysemy.py"
