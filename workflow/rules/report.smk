# Needs: every table and figure of a study, and the drawings of its neuron graphs.
# Gives: one page that tells the study in order and opens without a server, and where all of it comes from.


rule write_report:
    input:
        tables=lambda w: [f"results/{w.study}/tables/{table}.parquet" for table in study_of(w).tables],
        figures=lambda w: [f"results/{w.study}/figures/{figure}.svg" for figure in study_of(w).figures],
        captions=lambda w: [f"results/{w.study}/figures/{figure}.txt" for figure in study_of(w).figures],
        drawings=lambda w: pictured(study_of(w)),
        writer=writer_facts,
        citation="CITATION.cff",
        code=code("reporting/report"),
        pages=pages_in("golgi/reporting/pages"),
    output:
        report="results/{study}/report.html",
    log:
        "results/{study}/logs/write_report.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("write_report"),
        runtime=runtime("write_report"),
    params:
        names=lambda w: study_of(w).tables,
        figures=lambda w: study_of(w).figures,
        title=lambda w: study_of(w).spec["title"],
        asked=lambda w: study_of(w).spec["question"],
        settings=told_settings,
        graphs=lambda w: study_of(w).graph_rows(),
        # It is linked to, not read: no other atlas makes another report.
        atlas=lambda w: f"results/{w.study}/atlas" in reported(study_of(w)),
        fingerprint=lambda w: study_of(w).fingerprint(),
        references=lambda w: study_of(w).references,
        warnings=lambda w: [f"{problem.field}: {problem.message}" for problem in study_of(w).warnings],
    message:
        "Writing the report of {wildcards.study}"
    script:
        "../scripts/write_report.py"


rule write_provenance:
    input:
        report=rules.write_report.output.report,
        atlas="results/{study}/atlas",
        drawings=lambda w: pictured(study_of(w)),
        models="results/{study}/tables/models.parquet",
        writer=writer_facts,
        code="workflow/golgi/provenance/gathering.py",
    output:
        provenance="results/{study}/provenance.json",
    log:
        "results/{study}/logs/write_provenance.log",
    conda:
        "../../envs/golgi.yaml"
    resources:
        mem_mb=memory("write_provenance"),
        runtime=runtime("write_provenance"),
    params:
        spec_sha256=lambda w: study_of(w).spec_sha256,
        origin=lambda w: study_of(w).origin(),
        device=lambda w: study_of(w).spec["compute"]["device"],
        names=lambda w: study_of(w).portable.names,
    message:
        "Writing where {wildcards.study} comes from"
    script:
        "../scripts/write_provenance.py"
