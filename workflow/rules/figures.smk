# Needs: tables. Gives: each figure as PDF, SVG and PNG, its provenance inside, and its caption with the numbers in it.
# One rule per figure, draw_NAME, all alike: the module golgi/figures/NAME.py says what is drawn.


from golgi.reporting.order import shelf
from golgi.study.outputs import FIGURE_TABLES

for figure in FIGURE_TABLES:

    rule:
        name:
            f"draw_{figure}"
        input:
            tables=lambda w, figure=figure: figure_tables(w, figure),
            models=figure_weights(figure),
            code=code(f"figures/{figure}", "figures/saving", "captions/__init__"),
            style="workflow/golgi/figures/golgi.mplstyle",
        output:
            svg=report(
                f"results/{{study}}/figures/{figure}.svg",
                caption=f"../report/{figure}.rst",
                labels={"study": "{study}", "figure": figure.replace("_", " ")},
                **shelf(figure),
            ),
            pdf=f"results/{{study}}/figures/{figure}.pdf",
            png=f"results/{{study}}/figures/{figure}.png",
            caption=f"results/{{study}}/figures/{figure}.txt",
        log:
            f"results/{{study}}/logs/draw_{figure}.log",
        conda:
            "../../envs/golgi.yaml"
        resources:
            mem_mb=memory(f"draw_{figure}"),
            runtime=runtime(f"draw_{figure}"),
        params:
            figure=figure,
            names=lambda w, figure=figure: study_of(w).figure_tables(figure),
            options=lambda w, figure=figure: study_of(w).figure_options(figure),
            fingerprint=lambda w, figure=figure: study_of(w).figure_fingerprint(figure),
            origin=lambda w, figure=figure: study_of(w).figure_origin(figure),
        message:
            f"Drawing {figure} of {{wildcards.study}}"
        script:
            "../scripts/draw_figure.py"
