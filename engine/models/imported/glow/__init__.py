"""Glows that others trained."""

from engine.models.family import Family
from engine.models.imported.glow.frozen import FrozenImportedGlow
from engine.models.imported.glow.model import ImportedGlow, ImportedGlowConfig

FAMILY = Family(
    name="imported_glow",
    title="Flow (imported)",
    summary="A Glow that others trained: exact codes and exact likelihood.",
    config=ImportedGlowConfig,
    model=ImportedGlow,
    frozen=FrozenImportedGlow,
)
