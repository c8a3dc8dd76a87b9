"""Where a study's files come from: facts in each figure, a record of each job, and what both can show.

| module | says |
|---|---|
| `facts` | which spec, tables, weights and code a figure was made with |
"""
