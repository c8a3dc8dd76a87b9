"""Which units are experts of which concept."""
