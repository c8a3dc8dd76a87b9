"""Writing: sentences about concepts by a language model, asked for in rounds, kept, sieved and counted."""
