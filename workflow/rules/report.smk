# Needs: every table and figure of a study. Gives: one page that tells the study in order and opens without a server.


rule write_report:
    input:
        tables=lambda w: [f"results/{w.study}/tables/{table}.parquet" for table in study_of(w).tables],
        figures=lambda w: [f"results/{w.study}/figures/{figure}.svg" for figure in study_of(w).figures],
        captions=lambda w: [f"results/{w.study}/figures/{figure}.txt" for figure in study_of(w).figures],
        code=code("report"),
        page="workflow/golgi/report.html",
    output:
        report="results/{study}/report.html",
    log:
        "results/{study}/logs/write_report.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory(4000),
        runtime=30,
    params:
        names=lambda w: study_of(w).tables,
        figures=lambda w: study_of(w).figures,
        title=lambda w: study_of(w).spec["title"],
        fingerprint=lambda w: study_of(w).fingerprint(),
        references=lambda w: study_of(w).references,
        warnings=lambda w: [f"{problem.field}: {problem.message}" for problem in study_of(w).warnings],
    message:
        "Writing the report of {wildcards.study}"
    script:
        "../scripts/write_report.py"
