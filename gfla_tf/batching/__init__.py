"""The pairs of batch k: their order, as a pure function of the seed and k, and how they are read."""
