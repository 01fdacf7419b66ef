"""Training (PyTorch): one loop, and one recipe per model. `bridgevec.models` is inference."""
