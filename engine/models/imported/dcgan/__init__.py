"""DCGAN generators that others trained."""

from engine.models.family import Family
from engine.models.imported.dcgan.frozen import FrozenImportedDcgan
from engine.models.imported.dcgan.model import ImportedDcgan, ImportedDcganConfig

FAMILY = Family(
    name="imported_dcgan",
    title="GAN (imported)",
    summary="A DCGAN generator that others trained.",
    config=ImportedDcganConfig,
    model=ImportedDcgan,
    frozen=FrozenImportedDcgan,
)
