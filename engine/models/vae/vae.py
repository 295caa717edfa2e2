"""A convolutional residual VAE with a calibrated Gaussian decoder (Kingma & Welling 2014, arXiv:1312.6114)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, pad, pixel_unshuffle, silu

from engine.charts import Chart
from engine.errors import UsageError
from engine.models.base import Abilities, Group, LatentModel, LatentSpec, Steps
from engine.models.vae.config import VaeConfig, for_pictures, warmth
from engine.models.vae.inference import ascend
from engine.nn.dense import DensePath
from engine.nn.residual import Down, ResidualBlock, Up
from engine.nn.vector_flow import VectorFlow
from engine.objectives.elbo import active_units, free_bits, kl_to_standard_normal
from engine.objectives.likelihood import bernoulli_log_density, bits_per_dim, dequantise, gaussian_log_density
from engine.objectives.texture import texture_distance

GAP_DRAWS = 4
GAP_STEPS = 20
"""Codes and steps of inference for each picture by itself."""
PRIOR_WIDTH = 96
"""Width of the networks of the prior's couplings; wider ones learn the codes of some ten thousand pictures by heart."""
LOG_STD_FLOOR = -4.0
"""Smallest log standard deviation of the decoder, about 1/256 of the range: less would only model rounding."""


def stage_widths(config: VaeConfig, size: int) -> list[int]:
    """Channels at size/2, size/4, ... down to 4 pixels: 1, 2, 3 and 3.5 times the width."""
    factors = (1.0, 2.0, 3.0, 3.5)
    count = max(1, int(math.log2(size // 4)))
    return [8 * round(config.width * factors[min(i, 3)] / 8) for i in range(count)]


def exact(x: Tensor) -> Tensor:
    """In float32 at least, whatever the networks ran in."""
    return x if x.dtype == torch.float64 else x.float()


class VaeEncoder(nn.Module):
    """(B, C, S, S) -> (B, 2D): mean and log standard deviation of the posterior."""

    def __init__(self, config: VaeConfig, channels: int, size: int) -> None:
        super().__init__()
        widths = stage_widths(config, size)
        layers: list[nn.Module] = [nn.Conv2d(4 * channels, widths[0], 3, padding=1)]
        for i, width in enumerate(widths):
            if i:
                layers.append(Down(widths[i - 1], width))
            layers += [ResidualBlock(width) for _ in range(config.blocks)]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(16 * widths[-1], 2 * config.code)
        nn.init.normal_(self.head.weight, std=1e-3)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        h = silu(self.body(pixel_unshuffle(x, 2)))
        y: Tensor = self.head(h.flatten(1))
        return y


class Decoder(nn.Module):
    """(B, D) -> (B, C, S, S), before the linear path is added."""

    def __init__(self, config: VaeConfig, channels: int, size: int) -> None:
        super().__init__()
        widths = stage_widths(config, size)[::-1]
        self.stem = nn.Linear(config.code, 16 * widths[0])
        layers: list[nn.Module] = []
        for i, width in enumerate(widths):
            if i:
                layers.append(Up(widths[i - 1], width))
            layers += [ResidualBlock(width) for _ in range(config.blocks)]
        fine = max(16, config.width // 2)
        layers += [nn.SiLU(), Up(widths[-1], fine), nn.SiLU(), nn.Conv2d(fine, channels, 3, padding=1)]
        self.body = nn.Sequential(*layers)
        last = layers[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        nn.init.normal_(last.weight, std=1e-3)
        nn.init.zeros_(last.bias)

    def forward(self, z: Tensor) -> Tensor:
        h: Tensor = self.stem(z)
        y: Tensor = self.body(h.unflatten(1, (-1, 4, 4)))
        return y

    def early(self, z: Tensor) -> Tensor:
        """The features after the first enlargement (B, F, 8, 8)."""
        h: Tensor = self.stem(z).unflatten(1, (-1, 4, 4))
        for layer in self.body:
            h = layer(h)
            if isinstance(layer, Up):
                break
        return h


class Vae(LatentModel):
    """q(z|x) is a diagonal Gaussian, p(x|z) a Gaussian whose one standard deviation is learned or fixed, or one sure
    or unsure choice between black and white a number (Bernoulli): pictures are then cut at middle grey.

    A learned deviation balances reconstruction and KL by itself (Rybkin et al. 2021, "Simple and Effective VAE
    Training with Calibrated Decoders", arXiv:2006.13202), where a mean squared error fixes it at far too large a
    value and the codes carry nothing.

    The posterior is over what the decoder sees; the code is that, made standard normal by a flow where the prior is
    learned (Chen et al. 2017, arXiv:1611.02731, section 3.2). Without one the code is what the decoder sees.
    """

    abilities = Abilities(encode="amortised", density="bound")
    log_std: Tensor

    def __init__(self, config: VaeConfig, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, size, _ = image_shape
        for_pictures(config)
        self.config = config
        self.spec = LatentSpec(size=config.code, groups=(Group("code", 0, config.code),), image_shape=image_shape)
        self.encoder = VaeEncoder(config, channels, size)
        self.decoder = Decoder(config, channels, size)
        self._binary = config.likelihood == "bernoulli"
        if self._binary:
            self.bins = 2
        if config.likelihood == "gaussian-fixed":
            self.register_buffer("log_std", torch.tensor(math.log(config.sigma)))
        elif not self._binary:
            self.log_std = nn.Parameter(torch.tensor(math.log(0.3)))
        if config.prior and config.free_bits:
            raise UsageError("free_bits needs a KL for each number, which a learned prior lacks: set one of them to 0.")
        self.prior = VectorFlow(config.code, hidden=PRIOR_WIDTH, depth=config.prior)
        self.thumb = min(32, size // 2) if config.linear else 0
        if config.linear:
            pixels = channels * self.thumb**2
            self.linear_decode = nn.Linear(config.code, pixels)
            self.linear_encode = nn.Linear(pixels, config.code)
            nn.init.zeros_(self.linear_decode.weight)
            nn.init.zeros_(self.linear_decode.bias)
            nn.init.zeros_(self.linear_encode.weight)
            nn.init.zeros_(self.linear_encode.bias)
        if config.dense:
            if not config.linear:
                raise UsageError("dense works on the linear path's thumbnail: set linear on, or dense to 0.")
            self.dense_encode = DensePath(pixels, config.dense, 2 * config.code, blocks=config.dense_blocks)
            self.dense_decode = DensePath(config.code, config.dense, pixels, blocks=config.dense_blocks)

    def posterior(self, x: Tensor, *, convolutions: bool = True) -> tuple[Tensor, Tensor]:
        """(mean, log standard deviation), both (B, D); `convolutions=False` asks the dense layers alone."""
        parts = [self.encoder(x)] if convolutions else []
        if self.thumb:
            pixels = self._thumbnail(x).flatten(1)
            if self.config.dense:
                parts.append(self.dense_encode(pixels))
            # The linear path moves the mean alone.
            parts.append(pad(self.linear_encode(pixels), (0, self.config.code)))
        mean, log_std = reduce(torch.add, parts).chunk(2, 1)
        return exact(mean), (exact(log_std) - 2.0).clamp(-8.0, 4.0)

    def _thumbnail(self, x: Tensor) -> Tensor:
        return avg_pool2d(x, x.shape[-1] // self.thumb)

    def _enlarge(self, thumbnail: Tensor) -> Tensor:
        return interpolate(thumbnail, size=self.spec.image_shape[1:], mode="bilinear", align_corners=False)

    def _mean_image(self, z: Tensor, *, convolutions: bool = True) -> Tensor:
        """The images of what the decoder sees (B, D)."""
        parts = [self.decoder(z)] if convolutions else []
        if self.thumb:
            pixels = self.linear_decode(z)
            if self.config.dense:
                pixels = pixels + self.dense_decode(z)
            parts.append(self._enlarge(pixels.unflatten(1, (-1, self.thumb, self.thumb))))
        image: Tensor = reduce(torch.add, parts)
        return image

    def decode(self, z: Tensor) -> Tensor:
        return self.shown(self._mean_image(self.prior.inverse(z)))

    def shown(self, decoded: Tensor) -> Tensor:
        """The mean pictures, in the range, of what the networks decode: of log odds the mean between -1 and 1."""
        return torch.tanh(0.5 * decoded) if self._binary else decoded.clamp(-1.0, 1.0)

    def gaps(self, x: Tensor) -> dict[str, Tensor]:
        """The amortisation gap alone: the ELBO of a posterior improved for each picture by itself, less the encoder's,
        both of the same `GAP_DRAWS` codes, which the improvement has not seen."""
        noise = torch.randn(2, GAP_DRAWS, len(x), self.spec.size, generator=torch.Generator().manual_seed(0)).to(x)
        with torch.no_grad():
            start = self.posterior(x)
        better = ascend(start, lambda parts: self._mean_bound(x, parts, noise[0]), steps=GAP_STEPS)
        with torch.no_grad():
            return {"amortisation_gap": self._mean_bound(x, better, noise[1]) - self._mean_bound(x, start, noise[1])}

    def _mean_bound(self, x: Tensor, parts: Sequence[Tensor], noise: Tensor) -> Tensor:
        """The ELBO (B,) of the posterior with this mean and log deviation, over noise (K, B, D)."""
        mean, log_std = parts
        images = self._mean_image((mean + noise * log_std.exp()).flatten(0, 1)).unflatten(0, noise.shape[:2])
        density = self._density(x, images).flatten(2).sum(2).mean(0)
        kl = torch.stack([self.kl(mean, log_std, part).sum(1) for part in noise]).mean(0)
        return density - kl

    def _density(self, x: Tensor, decoded: Tensor) -> Tensor:
        """log p(x|z) of each number, in nats."""
        if self._binary:
            return bernoulli_log_density(x, decoded)
        return gaussian_log_density(x, decoded, self._decoder_log_std())

    def first_layer(self) -> Tensor | None:
        """Both linear maps that see the code: the network's stem, and the linear path where there is one."""
        if self.config.prior or self.config.dense:
            return None
        stem = self.decoder.stem.weight
        return torch.cat([stem, self.linear_decode.weight]) if self.thumb else stem

    def decoder_features(self, z: Tensor) -> Tensor:
        """(B, F, 8, 8): the decoder's first stage and what enlarges it."""
        return self.decoder.early(self.prior.inverse(z))

    def encode(self, x: Tensor) -> Tensor:
        code: Tensor = self.prior(self.posterior(x)[0])[0]
        return code

    def kl(self, mean: Tensor, log_std: Tensor, noise: Tensor) -> Tensor:
        """(B, D) nats whose sum is the KL from posterior to prior: in closed form, or by this one sample.

        The sample's two log-densities leave their common constant out; the flow's log-determinant is shared out evenly.
        """
        if not self.config.prior:
            return kl_to_standard_normal(mean, log_std)
        code, log_det = self.prior(mean + noise * log_std.exp())
        nats: Tensor = 0.5 * (code.square() - noise.square()) - log_std - log_det[:, None] / self.spec.size
        return nats

    def log_prob(self, x: Tensor) -> Tensor:
        """The ELBO with one posterior sample, drawn from a fixed seed so that the figure repeats."""
        density, kl = self._bound(x)
        return density - kl

    def _bound(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(log p(x|z) of one posterior sample, KL), both (B,) in nats: the ELBO is their difference."""
        mean, log_std = self.posterior(x)
        noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(0)).to(mean)
        reconstruction = self._mean_image(mean + noise * log_std.exp())
        density = self._density(x, reconstruction).flatten(1).sum(1)
        return density, self.kl(mean, log_std, noise).sum(1)

    def likelihood_parts(self, x: Tensor, *, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        density, kl = self._bound(dequantise(x, self.bins, generator))
        bound = bits_per_dim(density - kl, self.spec.dimensions, self.bins)
        return {"bits_per_dim": bound, **self._parts(density, kl)}

    def _parts(self, density: Tensor, kl: Tensor) -> dict[str, Tensor]:
        """The two terms of the ELBO in nats, and in bits/dim, where they add up to that of the ELBO."""
        return {
            "reconstruction_nats": -density,
            "kl_nats": kl,
            "reconstruction_bits_per_dim": bits_per_dim(density, self.spec.dimensions, self.bins),
            "kl_bits_per_dim": kl / (self.spec.dimensions * math.log(2.0)),
        }

    def landmarks(self) -> dict[str, float]:
        return {"code_size": float(self.spec.size)}

    def examine(
        self, shown: LatentModel, *, training: Tensor, heldout: Tensor, codes: Tensor
    ) -> tuple[dict[str, Tensor], tuple[Chart, ...]]:
        """What each number of the code carries, on held-out images."""
        assert isinstance(shown, Vae)
        mean, log_std = (torch.cat(part) for part in zip(*map(shown.posterior, heldout.split(32)), strict=True))
        kl = kl_to_standard_normal(mean, log_std).mean(0)
        values = {"heldout/active_units": active_units(mean), "heldout/posterior_std": log_std.exp().mean()}
        return values, (Chart("heldout/kl_per_dimension", "bars", tuple(kl.tolist())),)

    def log_weights(self, x: Tensor, noise: Tensor) -> Tensor:
        mean, log_std = self.posterior(x)
        z = mean + noise * log_std.exp()
        images = self._mean_image(z.flatten(0, 1)).unflatten(0, z.shape[:2])
        density = self._density(x, images).flatten(2).sum(2)
        # log q(z|x) of z = mean + noise * std needs the noise alone.
        posterior = gaussian_log_density(noise, 0.0, 0.0) - log_std
        code, log_det = self.prior(z.flatten(0, 1))
        prior: Tensor = gaussian_log_density(code, 0.0, 0.0).sum(1) + log_det
        weights: Tensor = density + prior.unflatten(0, z.shape[:2]) - posterior.sum(2)
        return weights

    def _decoder_log_std(self) -> Tensor:
        return self.log_std.clamp_min(LOG_STD_FLOOR)

    def training_step(self, batch: Tensor, steps: Steps) -> dict[str, Tensor]:
        noise = steps.randn(len(batch), self.spec.size, like=batch)
        convolutions = not (self.config.dense and steps.index < self.config.dense_steps)
        with steps.autocast():
            mean, log_std = self.posterior(batch, convolutions=convolutions)
            reconstruction = self._mean_image(mean + noise * log_std.exp(), convolutions=convolutions).float()
        kl = self.kl(mean, log_std, noise)
        density = self._density(batch, reconstruction).flatten(1).sum(1).mean()
        penalty = free_bits(kl, self.config.free_bits).sum()
        loss = (self.config.beta * warmth(self.config, steps.index) * penalty - density) / self.spec.dimensions
        found = {}
        if self.config.texture and convolutions:
            texture = texture_distance(self.shown(reconstruction) if self._binary else reconstruction, batch)
            loss = loss + self.config.texture * texture
            found["texture"] = texture.detach()
        if not convolutions:
            # Every weight gets a gradient, if only zero: processes that train together wait for all of them.
            waiting = [*self.encoder.parameters(), *self.decoder.parameters()]
            loss = loss + 0.0 * torch.stack([weight.sum() for weight in waiting]).sum()
        norm = steps.update("model", loss)
        with torch.no_grad():
            kl_nats = kl.sum(1).mean()
            elbo = density.detach() - kl_nats
            mean_image = self.shown(reconstruction.detach())
            error = (mean_image - batch).square().mean()
            # Of a choice between -1 and 1 with this mean; else the Gaussian's own.
            choice = (1.0 - mean_image.square()).clamp_min(0.0).sqrt().mean()
            found["decoder_std"] = choice if self._binary else self._decoder_log_std().detach().exp()
            return {
                "loss": loss.detach(),
                "elbo_bits_per_dim": bits_per_dim(elbo, self.spec.dimensions, self.bins),
                **self._parts(density.detach(), kl_nats),
                "psnr_db": -10.0 * torch.log10(error / 4.0),
                "active_units": active_units(mean.detach()),
                "posterior_std": log_std.detach().exp().mean(),
                "gradient_norm": norm,
                **found,
            }

    @torch.no_grad()
    def prepare(self, batch: Tensor) -> None:
        """Starts the linear path at PCA of these images: the best linear autoencoder (Baldi & Hornik 1989)."""
        if not self.thumb:
            return
        pixels = self._thumbnail(batch).flatten(1)
        centre = pixels.mean(0)
        wanted = min(self.spec.size, *pixels.shape)
        _, singular, basis = torch.svd_lowrank(pixels - centre, q=min(wanted + 16, *pixels.shape), niter=4)
        count = min(wanted, int((singular > 1e-5 * singular[0]).sum()))
        std = (singular[:count] / math.sqrt(max(1, len(batch) - 1))).clamp_min(1e-4)
        basis = basis[:, :count].T
        self.linear_encode.weight[:count] = (basis / std[:, None]).to(batch)
        self.linear_encode.bias[:count] = (-(basis @ centre) / std).to(batch)
        self.linear_decode.weight[:, :count] = (basis * std[:, None]).T.to(batch)
        self.linear_decode.bias.copy_(centre)
        some = batch[:256]
        if self.config.likelihood != "gaussian-learned":
            return
        error = (self._mean_image(self.posterior(some)[0]) - some).square().mean()
        self.log_std.fill_(float(0.5 * torch.log(error.clamp_min(1e-4))))
