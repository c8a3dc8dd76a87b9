"""The order in which a study is told: its sections, what each is made of, and the figures under it."""

# Section -> part -> figures. A section without parts has one without a name.
SECTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "Question": {},
    "Models": {"": ("training_loss",)},
    "Data": {"": ("writing",)},
    "Experts": {
        "How many experts, and where": (
            "experts_by_layer",
            "ap_distribution",
            "threshold_sweep",
            "false_discovery",
            "stability",
        ),
        "Overlap of concepts": ("overlap", "within_between"),
        "Hierarchy": ("dendrogram", "containment"),
        "Polysemy and distributed coding": ("polysemy", "distributed"),
        "Alignment with the references": ("alignment_scatter", "alignment_over_training"),
        "Training dynamics": ("dynamics", "dynamics_by_layer"),
    },
    "Controls": {},
    "Graphs": {"": ("graph_f1_by_layer", "graph_ablation", "graph_naming", "graph_gallery")},
    "Causal role": {"": ("interventions",)},
    "Claims": {"": ("claims",)},
    "Failures": {"Does it hang on a choice?": ("sensitivity",)},
    "Provenance": {},
}


def told() -> list[str]:
    """Return the figures in the order in which a report tells them."""
    return [figure for parts in SECTIONS.values() for figures in parts.values() for figure in figures]


def shelf(figure: str) -> dict[str, str]:
    """Return category and subcategory of a figure in Snakemake's own report.

    They are those of this one, numbered: Snakemake sorts them by name. KeyError for an unknown figure.

    >>> shelf("dendrogram")
    {'category': '3 Experts', 'subcategory': '3 Hierarchy'}
    """
    pictured = {section: parts for section, parts in SECTIONS.items() if parts}
    for number, (section, parts) in enumerate(pictured.items(), start=1):
        for place, (part, figures) in enumerate(parts.items(), start=1):
            if figure in figures:
                named = {"subcategory": f"{place} {part}"} if part else {}
                return {"category": f"{number} {section}", **named}
    raise KeyError(figure)
