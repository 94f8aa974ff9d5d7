"""One token through a whole language model of Mamba or Mamba-2 layers, its weights packed for that."""
