"""Principal components as a model: what every other family has to beat."""

from engine.models.linear.pca import Pca as Pca
from engine.models.linear.pca import PcaConfig as PcaConfig

__all__ = ["Pca", "PcaConfig"]
