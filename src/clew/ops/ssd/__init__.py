"""Mamba-2's scan: one decay a head and sample, computed by matrix products over chunks."""
