"""Where a study's files come from: facts in each figure, a record of each job, and what both can show.

| module | says |
|---|---|
| `commits` | which commit the code is of, in a repository or in an unpacked archive |
| `facts` | which spec, tables, weights and code a figure was made with |
| `records` | what each job read and wrote, by `hashing` and `places`, and what it took, by `measuring` |
| `lineage` | what files were made from, directly or not, as their records tell it |
| `gathering` | all of that on one page, when a study is finished |
| `verifying` | whether files are what was made, and would be now; it has `changes`, `display` |
| `discarding` | what of the damaged is taken away |
"""
