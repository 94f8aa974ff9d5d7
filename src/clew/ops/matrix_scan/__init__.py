"""Linear recurrence with matrices, h[k] = A[k] h[k−1] + inputs[k]."""
