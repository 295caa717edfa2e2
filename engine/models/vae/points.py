"""A VAE of points of R^d: two dense networks, and for codes of one or two numbers everything that others only bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

from engine.charts import Chart
from engine.errors import Unsupported
from engine.models.base import Abilities, Group, LatentModel, LatentSpec, Steps
from engine.models.vae.config import VaeConfig, for_points, warmth
from engine.models.vae.inference import STEPS, ascend
from engine.models.vae.posterior import FOLDS, Posterior, still_folds
from engine.models.vae.quadrature import HERMITE, Rule, hermite, rule
from engine.objectives.elbo import active_units, kl_to_standard_normal
from engine.objectives.likelihood import gaussian_log_density, standard_normal_log_density

EXACT_UP_TO: Final = 2
"""Numbers of a code over which can be integrated."""
COARSE: Final = {1: HERMITE, 2: 14}
"""Nodes a number of the code while a posterior is improved, by the size of the code: with few of them it would learn to
pass between what they see."""
KL_DRAWS: Final = 16
"""Of a KL that has no closed form, where it is told beside the evidence."""
LOG_STD_FLOOR: Final = -6.0
"""Smallest log deviation of the decoder: points on a curve without noise would ask for none at all."""


def dense(inputs: int, width: int, outputs: int, *, layers: int) -> nn.Sequential:
    """(B, I) -> (B, O) through so many hidden layers of one width."""
    sizes = [inputs, *[width] * layers, outputs]
    found: list[nn.Module] = []
    for before, after in pairwise(sizes):
        found += [nn.SiLU()] if found else []
        found.append(nn.Linear(before, after))
    return nn.Sequential(*found)


class PointVae(LatentModel):
    """q(z|x) is a Gaussian, diagonal, full or folded; p(x|z) a Gaussian around what is decoded.

    For a code of at most two numbers `log_prob` is the evidence itself, by quadrature over the code; for longer ones
    it is the ELBO. Points are (B, d, 1, 1).
    """

    log_std: Tensor

    def __init__(self, config: VaeConfig, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        for_points(config)
        self.config = config
        d, code = image_shape[0], config.code
        self.abilities = Abilities(encode="amortised", density="exact" if code <= EXACT_UP_TO else "bound")
        self.spec = LatentSpec(code, (Group("code", 0, code),), image_shape, range=None)
        self._tilts = code * (code - 1) // 2 if config.posterior == "full" else 0
        self._folds = FOLDS * (2 * code + 1) if config.posterior == "flow" else 0
        self._each = config.likelihood == "gaussian-each"
        self.encoder = dense(d, config.width, 2 * code + self._tilts + self._folds, layers=config.hidden_layers)
        if self._folds:
            last = self.encoder[-1]
            assert isinstance(last, nn.Linear)
            with torch.no_grad():
                last.weight[-self._folds :] *= 0.1
                last.bias[-self._folds :] = still_folds(code)
        self.decoder = dense(code, config.width, 2 * d if self._each else d, layers=config.hidden_layers)
        start = torch.tensor(math.log(config.sigma if config.likelihood == "gaussian-fixed" else 0.3))
        if config.likelihood == "gaussian-learned":
            self.log_std = nn.Parameter(start)
        else:
            self.register_buffer("log_std", start)

    def posterior(self, x: Tensor) -> Posterior:
        """q(z|x) of points (B, d, 1, 1)."""
        size = self.spec.size
        mean, log_std, tilt, folds = self.encoder(x.flatten(1)).split([size, size, self._tilts, self._folds], 1)
        factor = torch.diag_embed((log_std - 1.0).clamp(-8.0, 4.0).exp())
        if self._tilts:
            row, column = torch.tril_indices(size, size, -1)
            factor = factor.index_put((torch.arange(len(x))[:, None], row, column), tilt)
        return Posterior(mean, factor, folds.unflatten(1, (FOLDS, -1)) if self._folds else None)

    def decoded(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """(mean, log deviation) of p(x|z), both (B, d), of codes (B, D)."""
        y: Tensor = self.decoder(z)
        if not self._each:
            return y, self.log_std.clamp_min(LOG_STD_FLOOR).expand_as(y)
        mean, log_std = y.chunk(2, 1)
        return mean, (log_std - 1.0).clamp(LOG_STD_FLOOR, 4.0)

    def decode(self, z: Tensor) -> Tensor:
        return self.decoded(z)[0][:, :, None, None]

    def draw(self, z: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        mean, log_std = self.decoded(z)
        noise = torch.randn(mean.shape, generator=generator).to(mean)
        return (mean + noise * log_std.exp())[:, :, None, None]

    def encode(self, x: Tensor) -> Tensor:
        return self.posterior(x).middle()

    def first_layer(self) -> Tensor:
        first = self.decoder[0]
        assert isinstance(first, nn.Linear)
        return first.weight

    def rule(self) -> Rule:
        """The nodes over which evidence and posterior are integrated, with the weights as they are.

        Raises:
            Unsupported: the code has more than two numbers.
        """
        if self.abilities.density != "exact":
            raise Unsupported("Only over codes of one or two numbers can be integrated: this density is a bound.")
        return rule(self.decoded, self.spec.size, next(self.decoder.parameters()))

    def log_prob(self, x: Tensor) -> Tensor:
        if self.abilities.density == "exact":
            return self.rule().evidence(x.flatten(1)).to(x)
        noise = torch.randn(1, len(x), self.spec.size, generator=torch.Generator().manual_seed(0)).to(x)
        q = self.posterior(x)
        return self._density(x, q.codes(noise)[0])[0] - q.kl(noise)

    def elbo(self, x: Tensor) -> Tensor:
        """The ELBO itself in nats, (B,): its expectation over q(z|x) by quadrature.

        Raises:
            Unsupported: the code has more than two numbers.
        """
        if self.abilities.density != "exact":
            raise Unsupported("Only over codes of one or two numbers can be integrated.")
        return self.expected(x, self.posterior(x))

    def expected(self, x: Tensor, q: Posterior, *, nodes: int = HERMITE) -> Tensor:
        """The ELBO of points (B, d, 1, 1) under any q of theirs, (B,), by a rule of `nodes` a number of the code."""
        places, weights = (part.to(x) for part in hermite(self.spec.size, nodes))
        noise = places[:, None].expand(-1, len(x), -1)
        found: Tensor = weights @ self._density(x, q.codes(noise)[0]) - q.kl(noise, weights)
        return found

    def inferred(self, x: Tensor, *, steps: int = STEPS) -> Posterior:
        """q(z|x) of each point by itself: the encoder's, improved by gradient steps on the point's own ELBO.

        Raises:
            Unsupported: the code has more than two numbers.
        """
        if self.abilities.density != "exact":
            raise Unsupported("Only over codes of one or two numbers can be integrated.")
        with torch.no_grad():
            q = self.posterior(x)
        diagonal = q.factor.diagonal(dim1=1, dim2=2)
        start = [q.mean, diagonal.log()]
        if self._tilts:
            start.append(q.factor - torch.diag_embed(diagonal))
        if q.folds is not None:
            start.append(q.folds)

        def made(parts: Sequence[Tensor]) -> Posterior:
            factor = torch.diag_embed(parts[1].exp()) + (parts[2].tril(-1) if self._tilts else 0.0)
            return Posterior(parts[0], factor, None if q.folds is None else parts[-1])

        better = made(
            ascend(start, lambda parts: self.expected(x, made(parts), nodes=COARSE[self.spec.size]), steps=steps)
        )
        with torch.no_grad():
            # A step too far is not taken.
            worse = self.expected(x, better) < self.expected(x, q)
            return better.where(~worse, q)

    def gaps(self, x: Tensor) -> dict[str, Tensor]:
        if self.abilities.density != "exact":
            return {}
        with torch.no_grad():
            evidence, own, best = self.log_prob(x), self.elbo(x), self.expected(x, self.inferred(x))
        return {"bound_gap": evidence - own, "amortisation_gap": best - own}

    def posterior_gap(self, x: Tensor) -> Tensor:
        """KL(q(z|x) to p(z|x)) in nats, (B,), by the rule over the prior: evidence minus ELBO, found another way.

        Raises:
            Unsupported: the code has more than two numbers.
        """
        found = self.rule()
        q = self.posterior(x)
        wide = Posterior(q.mean.double(), q.factor.double(), None if q.folds is None else q.folds.double())
        log_q = wide.log_density(found.codes[:, None]).T
        gap: Tensor = (log_q.exp() * (log_q - found.posterior(x.flatten(1)))).sum(1) * found.cell
        return gap

    def log_weights(self, x: Tensor, noise: Tensor) -> Tensor:
        z, log_q = self.posterior(x).codes(noise)
        return self._density(x, z) + _prior(z) - log_q

    def _density(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x|z), (K, B), of points (B, d, 1, 1) and codes (K, B, D)."""
        mean, log_std = self.decoded(z.flatten(0, 1))
        shape = (*z.shape[:2], -1)
        found: Tensor = gaussian_log_density(x.flatten(1), mean.view(shape), log_std.reshape(shape)).sum(2)
        return found

    def likelihood_parts(self, x: Tensor, *, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        noise = torch.randn(KL_DRAWS, len(x), self.spec.size, generator=torch.Generator().manual_seed(1)).to(x)
        return {"nats": -self.log_prob(x), "kl_nats": self.posterior(x).kl(noise)}

    def landmarks(self) -> dict[str, float]:
        return {"code_size": float(self.spec.size)}

    def examine(
        self, shown: LatentModel, *, training: Tensor, heldout: Tensor, codes: Tensor
    ) -> tuple[dict[str, Tensor], tuple[Chart, ...]]:
        """What each number of the code carries, on held-out points."""
        assert isinstance(shown, PointVae)
        q = shown.posterior(heldout)
        mean, factor = q.middle(), q.factor
        log_std = factor.square().sum(2).log() * 0.5
        values = {"heldout/active_units": active_units(mean), "heldout/posterior_std": log_std.exp().mean()}
        if q.folds is not None:
            return values, ()  # What is folded has no KL for each number.
        kl = kl_to_standard_normal(mean, log_std).mean(0)
        return values, (Chart("heldout/kl_per_dimension", "bars", tuple(kl.tolist())),)

    def training_step(self, batch: Tensor, steps: Steps) -> dict[str, Tensor]:
        noise = steps.randn(len(batch), self.config.samples, self.spec.size, like=batch).transpose(0, 1)
        q = self.posterior(batch)
        weight = self.config.beta * warmth(self.config, steps.index)
        kl = q.kl(noise)
        if self.config.gradient == "pathwise":
            z, log_q = q.codes(noise)
            density = self._density(batch, z)
            bound = (density - weight * kl).mean(0)
            if self.config.bound == "iwae":
                ratios = density + weight * (_prior(z) - log_q)
                bound = torch.logsumexp(ratios, 0) - math.log(len(ratios))
            loss = -bound.mean()
        else:
            density, loss = self._by_score(batch, q, noise, weight=weight)
        norm = steps.update("model", loss / self.spec.dimensions)
        with torch.no_grad():
            reconstruction = -density.mean()
            return {
                "loss": loss.detach() / self.spec.dimensions,
                "elbo_nats": -reconstruction - kl.mean(),
                "reconstruction_nats": reconstruction,
                "kl_nats": kl.mean(),
                "decoder_std": self.decoded(q.middle())[1].exp().mean(),
                "active_units": active_units(q.middle()),
                "posterior_std": q.factor.square().sum(2).sqrt().mean(),
                "gradient_norm": norm,
            }

    def _by_score(self, x: Tensor, q: Posterior, noise: Tensor, *, weight: float) -> tuple[Tensor, Tensor]:
        """(log p(x|z) (K, B), a loss whose gradient is the ELBO's): E_q[f grad log q] for the encoder, with
        f = log p(x, z) - log q(z|x) taken as a number (Williams 1992; Ranganath et al. 2014, arXiv:1401.0118).

        The baseline of a draw is the mean f of all others, which knows nothing of it: it changes the variance alone.
        """
        z = q.codes(noise)[0].detach()
        log_q = q.log_density(z)
        density = self._density(x, z)
        gain = (density + weight * (_prior(z) - log_q)).detach()
        if self.config.gradient == "score-baseline" and gain.numel() > 1:
            gain = gain - (gain.sum() - gain) / (gain.numel() - 1)
        surrogate = density + gain * log_q
        value = -(density + weight * (_prior(z) - log_q)).detach().mean()
        return density.detach(), value + surrogate.mean().detach() - surrogate.mean()

    @torch.no_grad()
    def prepare(self, batch: Tensor) -> None:
        """Starts the decoder at the points' middle, and its noise at half of their spread."""
        x = batch.flatten(1)
        last = self.decoder[-1]
        assert isinstance(last, nn.Linear)
        assert last.bias is not None
        last.bias[: x.shape[1]] = x.mean(0)
        if self.config.likelihood == "gaussian-learned" and len(x) > 1:
            self.log_std.fill_(float((0.5 * x.std(0).mean()).clamp_min(1e-3).log()))


def _prior(z: Tensor) -> Tensor:
    """log p(z), (K, B)."""
    return standard_normal_log_density(z.flatten(0, 1)).view(z.shape[:2])
