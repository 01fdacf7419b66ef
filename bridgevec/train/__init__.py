"""Training (PyTorch): one loop, and one recipe per model. `bridgevec.models` is inference."""

from bridgevec.extras import require

require("torch", "sklearn")
