"""Pure functions of tensors: discretisation, φ functions, powers, scans, Vandermonde sums."""
