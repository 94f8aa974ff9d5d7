"""Mamba-2's scan: one decay a head and sample, compiled, or by matrix products over chunks."""
