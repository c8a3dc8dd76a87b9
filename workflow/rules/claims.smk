# Needs: the finished tables that the claims of a study are about.
# Gives: the table of claims: held, not held, or underpowered. A claim that is not held does not fail the run.


from golgi.study.claim_rows import settled_claims
from golgi.study.claims import claimed_tables


rule test_claims:
    input:
        tables=lambda w: [
            f"results/{w.study}/tables/{table}.parquet" for table in claimed_tables(study_of(w).spec)
        ],
        code=code("statistics/claims"),
    output:
        claims=f"{TABLES}/claims.parquet",
        csv=f"{TABLES}/claims.csv",
    log:
        "results/{study}/logs/test_claims.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("test_claims"),
        runtime=runtime("test_claims"),
    params:
        names=lambda w: claimed_tables(study_of(w).spec),
        rows=lambda w: settled_claims(study_of(w).spec),
        draws=9999,
        seed=lambda w: study_of(w).seed,
    message:
        "Testing the claims of {wildcards.study}"
    script:
        "../scripts/test_claims.py"
