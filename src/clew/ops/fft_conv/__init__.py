"""Causal convolution by fast Fourier transform."""
