"""Where a study's files come from: the facts inside each figure, the record of each job, and what can be shown from them.

| module | says |
|---|---|
| `facts` | which spec, tables, weights and code a figure was made with |
"""
