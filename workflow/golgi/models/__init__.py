"""Models: where they come from, their sites, and their responses to sentences.

The only room that imports torch, transformers and transformer_lens; nothing is imported here, so that
a job pays only for what it uses.
"""

import os

# Read once, when torch is first imported. Threads that sleep at a barrier instead of spinning cost
# nothing on a free machine, and keep torch four times as fast where other work takes a core.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
