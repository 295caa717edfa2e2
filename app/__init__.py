"""The window of Latent Loom: PySide6 front end over the engine's Qt-free API."""
