"""Other kernels that compute what clew computes, called as they come: none of their code is here."""
