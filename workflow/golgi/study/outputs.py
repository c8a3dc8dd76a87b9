"""What a study gives: its tables and figures, and the parts of the spec that each follows from."""

from golgi.study.graphs import GRAPH_TABLE_PARTS

# In the order in which a report is read.
FIGURE_TABLES = {
    "training_loss": ["training"],
    "writing": ["writing"],
    "experts_by_layer": ["counts"],
    "ap_distribution": ["distribution"],
    "threshold_sweep": ["counts", "distribution", "alignment"],
    "false_discovery": ["discoveries"],
    "stability": ["stability"],
    "overlap": ["overlap", "counts"],
    "within_between": ["categories"],
    "dendrogram": ["hierarchy_merges", "hierarchy_tree", "concepts"],
    "containment": ["hierarchy"],
    "polysemy": ["polysemy", "polysemy_sharing"],
    "distributed": ["distributed", "equal_units"],
    "alignment_scatter": ["alignment_pairs", "alignment"],
    "alignment_over_training": ["alignment"],
    "dynamics": ["dynamics", "dynamics_alignment"],
    "dynamics_by_layer": ["dynamics", "dynamics_alignment"],
    "graph_f1_by_layer": ["graph_layers"],
    "graph_ablation": ["graph_ablation"],
    "graph_naming": ["graph_naming"],
    "graph_gallery": ["graph_gallery"],
    "interventions": ["interventions"],
    "claims": ["claims"],
    "sensitivity": ["sensitivity"],
}
# Drawn with it where the study has it, and without it where not.
OPTIONAL_TABLES = {"threshold_sweep": {"alignment"}}
# Drawn before there are experts: what counts as one does not matter to them.
UNSCORED_FIGURES = {"training_loss", "writing"}
ANALYSIS_TABLES = {
    "discoveries": ["discoveries"],
    "stability": ["stability", "stability_concepts"],
    "overlap": ["overlap"],
    "categories": ["categories"],
    "hierarchy": ["hierarchy", "hierarchy_concepts", "hierarchy_tree", "hierarchy_merges"],
    "polysemy": ["polysemy", "polysemy_sharing"],
    "distributed": ["distributed", "equal_units", "probes"],
    "alignment": ["alignment", "alignment_pairs"],
    "dynamics": ["dynamics", "dynamics_alignment"],
    "interventions": ["interventions", "interventions_concepts", "intervention_prompts"],
    "sensitivity": ["sensitivity"],
}
# What the atlas is written from, where a study has it.
BROWSED_TABLES = (
    "concepts",
    "models",
    "graph_units",
    "graph_nodes",
    "alignment_pairs",
    "interventions_concepts",
)
# Files that an analysis leaves of every model's last checkpoint and of its twin, which nobody intervenes in.
ANALYSIS_PARTS = {
    "discoveries": ["discoveries/{place}.parquet"],
    "stability": ["stability/{place}.parquet"],
    "hierarchy": ["expertise/{place}/parents.safetensors"],
    "distributed": ["distributed/{place}.parquet"],
    "interventions": ["interventions/{place}.parquet"],
    "sensitivity": ["sensitivity/{place}/ap.safetensors", "sensitivity/{place}.parquet"],
}
# Analyses that go beside others where the study has them: their settings count too.
BESIDE = {
    "categories": ["overlap"],
    "hierarchy": ["overlap"],
    "alignment": ["overlap"],
    "dynamics": ["overlap", "alignment"],
    "polysemy": ["overlap"],
    "sensitivity": ["overlap", "alignment"],
}
# The parts of the spec that a table depends on; a figure depends on those of its tables.
SCORED = ["seed", "models", "concepts", "experts"]
TABLE_PARTS = {
    "training": ["seed", "models"],
    "concepts": ["seed", "concepts"],
    "writing": ["seed", "concepts"],
    "counts": SCORED,
    "distribution": SCORED,
    **{
        table: [*SCORED, *(f"analyses.{name}" for name in (analysis, *BESIDE.get(analysis, ())))]
        for analysis, tables in ANALYSIS_TABLES.items()
        for table in tables
    },
    **{table: [*SCORED, *parts] for table, parts in GRAPH_TABLE_PARTS.items()},
}
