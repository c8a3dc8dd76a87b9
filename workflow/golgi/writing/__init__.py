"""Sentences about concepts, written by a language model.

What is asked and replied is in `requests`, what is kept of it in `transcript` (a line each, `lines`), and
what a study asks in `demand`, `rounds` and, before it is asked, `answered`. Replies are taken apart by
`parsing` (with `cleaning`, `layouts`, `markers`, `phrases`). Their sentences are judged gate by gate in
`sieve` (with `languages`, `similar`, `kinds`) and counted in `counting`. One back end is here, `server` with
`wire`; the other, a model in a folder, is `golgi.models.writer` with `golgi.models.chat`.
"""
