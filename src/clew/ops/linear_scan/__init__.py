"""Elementwise linear recurrence h[k] = decay[k] h[k−1] + inputs[k]."""
