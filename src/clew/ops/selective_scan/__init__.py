"""Mamba's scan: a diagonal system whose step, input and output matrices change with every sample."""
