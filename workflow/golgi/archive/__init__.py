"""The archive of a study: one file that a reviewer can look at, draw again from, and make again from.

| module | says |
|---|---|
| `archiving` | that a study is fit to be archived, and what goes in |
| `contents` | which files those are: the code, what the study names, and what was made of it |
| `packing` | how they become a file of the same bytes each time |
| `page` | what the reader is told first |
"""
