"""Diagonal state space model with conjugate pairs: real input, complex state, real output."""
