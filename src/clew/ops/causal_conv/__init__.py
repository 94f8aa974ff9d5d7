"""Short causal convolution of each channel, with its last inputs as the state."""
