"""The report of a study: one page that tells it in order, complete in itself, every number from its tables.

| module | says |
|---|---|
| `order` | the sections in which a study is told, and the figures of each |
| `report` | how the page is put together |
| `figures` | what stands beside a figure: its finding, its files, its tables |
| `links` | where the files of a study lie, seen from its report |
| `answers` | the question, and in a line for each claim what was found |
| `methods`, `citations` | what was done, as a paper would print it, and whom to cite |
| `described` | the models and the sentences that were read, and by whom they were written (`writer`) |
| `controls` | what each control gave, beside what was measured |
| `planned`, `claims` | the tests that the study planned, and what it claims |
| `failures` | what did not work: `failed_tests`, `failed_experts`, `failed_graphs`, `failed_sentences` |

The templates are in `pages`, one for each section.
"""
