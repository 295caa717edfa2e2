"""Principal components as a model: what every other family has to beat."""

from engine.knobs import Preset
from engine.models.family import Family
from engine.models.linear.pca import Pca, PcaConfig

__all__ = ["FAMILY", "Pca", "PcaConfig"]

FAMILY = Family(
    name="pca",
    title="PCA",
    summary="Principal components, computed in seconds: what every family has to beat.",
    config=PcaConfig,
    model=Pca,
    frozen=None,
    presets={"Standard": Preset({})},
)
