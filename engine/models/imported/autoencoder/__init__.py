"""Autoencoders of latent diffusion models."""

from engine.models.family import Family
from engine.models.imported.autoencoder.model import ImportedAutoencoder, ImportedAutoencoderConfig

FAMILY = Family(
    name="imported_autoencoder",
    title="VAE (imported)",
    summary="The autoencoder of a latent diffusion model.",
    config=ImportedAutoencoderConfig,
    model=ImportedAutoencoder,
    frozen=None,
)
