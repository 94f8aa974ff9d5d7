"""clew: state space models, defined once and seen three ways."""
