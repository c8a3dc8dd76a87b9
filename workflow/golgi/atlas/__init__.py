"""Static pages to browse a study's neurons: maps of all units, search, a page for each unit and concept.

In the order in which data flows:

- what is read of a checkpoint: `units` with `neighbours`, `sentences`, and, where there are graphs, `windows`
- what the pages load: `chunks`, files of columns; `contents`, which say what is where
- `writing` puts them beside the pages, which are in `page/`
"""
