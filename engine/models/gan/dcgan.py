"""A DCGAN-class generator and discriminator (Radford et al. 2016, arXiv:1511.06434) with today's stabilisers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import avg_pool2d, leaky_relu, relu
from torch.nn.utils.parametrizations import spectral_norm

from engine.charts import Chart, shared_histograms
from engine.errors import UsageError
from engine.models.base import Abilities, Group, LatentModel, LatentSpec, Steps, are_points
from engine.models.gan.config import DcganConfig
from engine.models.gan.growth import GrownPicture, GrownSight, check_grown, enlarged, faded_in
from engine.models.gan.layers import doubled, initialise, widths
from engine.models.gan.points import PointDiscriminator, PointGenerator
from engine.nn.augment import differentiable_augment
from engine.nn.recompute import Recomputed
from engine.objectives.adversarial import OBJECTIVES, Compare, clip_weights, gradient_penalty, overfitting, r1_penalty

EXAMINED = 32
"""Images that the discriminator is shown at a time when it is examined: it looks at the spread over a batch."""

CENTRE_RATE = 0.01
"""How fast the mean of the generator's first features follows a batch's."""


class Generator(Recomputed):
    """(B, D) -> (B, C, S, S) in [-1, 1].

    Only the code's direction is drawn; its length, |z| / sqrt(D), says how far from the average face: the first
    stage's features are pulled towards their running mean by it (the "truncation trick in W" of Karras et al. 2019,
    arXiv:1812.04948, appendix B, with the first rectified layer for W). Samples of a lower temperature are therefore
    more average and stay pictures, where a code of a length that training never saw would draw a dark blur.

    Stages by which it has grown stand behind those of the smaller size, whose picture they enlarge and add to.
    """

    centre: Tensor
    centred: Tensor

    def __init__(self, config: DcganConfig, channels: int, size: int) -> None:
        super().__init__()
        stages = widths(config.width, size >> config.grown)[::-1]
        self.register_buffer("centre", torch.zeros(1, stages[0], 4, 4))
        # Files of models that were trained without it have no mean: their codes are drawn as they are.
        self.register_buffer("centred", torch.zeros(()))
        self.stem = nn.Linear(config.code, 16 * stages[0], bias=False)
        self.stem_norm = nn.BatchNorm2d(stages[0])
        ups: list[nn.Module] = []
        for before, after in pairwise([*stages, config.fine] if config.fine else stages):
            ups += [*doubled(config, before, after, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        self.body = nn.Sequential(*ups)
        self.last = nn.Sequential(
            *(
                [nn.Conv2d(config.fine, channels, 3, padding=1)]
                if config.fine
                else doubled(config, stages[-1], channels, bias=True)
            )
        )
        initialise(self)
        with torch.no_grad():
            # A grey first picture, far from where tanh is flat.
            next(self.last.parameters()).mul_(0.1)
        before = config.fine or stages[-1]
        self.grown = nn.ModuleList()
        for _ in range(config.grown):
            self.grown.append(stage := GrownPicture(config, before, channels))
            before = stage.channels

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.logits(z))

    def logits(self, z: Tensor) -> Tensor:
        """The picture before it is squeezed into its range, float32."""
        h = self.first_features(z)
        for stage in self.stages():
            h = self.held(stage, h)
        picture: Tensor = self.last(h).float()
        for grown in self.grown_stages():
            h = self.held(grown.up, h)
            picture = enlarged(picture) + grown.paint(h).float()
        return picture

    def first_features(self, z: Tensor) -> Tensor:
        """(B, F, 4, 4): the rectified stem, as far from its mean as the code is long."""
        length = z.square().mean(1, keepdim=True).add(1e-12).sqrt()
        length = torch.where(self.centred > 0, length, torch.ones_like(length))
        h = self.stem(z / length).unflatten(1, (-1, 4, 4)).contiguous(memory_format=torch.channels_last)
        h = relu(self.stem_norm(h))
        if self.training:
            with torch.no_grad():
                mean = h.detach().float().mean(0, keepdim=True)
                self.centre.lerp_(mean, torch.where(self.centred > 0, CENTRE_RATE, 1.0))
                self.centred.fill_(1.0)
        return torch.lerp(self.centre.to(h.dtype), h, length[:, :, None, None].to(h.dtype))

    def stages(self) -> Iterator[nn.Sequential]:
        """The doublings: convolution, batch norm, ReLU."""
        start = 0
        for i, layer in enumerate(self.body):
            if isinstance(layer, nn.ReLU):
                yield nn.Sequential(*list(self.body)[start : i + 1])
                start = i + 1

    def grown_stages(self) -> Iterator[GrownPicture]:
        """The doublings that were added later."""
        for stage in self.grown:
            assert isinstance(stage, GrownPicture)
            yield stage

    def first_matrix(self) -> Tensor:
        """The stem (F, D), with the scale of the batch norm behind it, which is one linear map with it."""
        norm = self.stem_norm
        assert norm.running_var is not None
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        weight: Tensor = self.stem.weight
        return weight * scale.repeat_interleave(16)[:, None]

    def early(self, z: Tensor) -> Tensor:
        """The features after the first doubling (B, F, 8, 8)."""
        h = self.first_features(z)
        for layer in self.body:
            h = layer(h)
            if isinstance(layer, nn.ReLU):
                break
        return h


class Discriminator(Recomputed):
    """(B, C, S, S) -> (B,) logits: how real each image looks.

    The last stage also sees the standard deviation over the batch, so a generator that always draws the same face
    is found out (Karras et al. 2018, arXiv:1710.10196, section 3).

    Stages by which it has grown stand before those of the smaller size, which still see the smaller picture.
    """

    def __init__(self, config: DcganConfig, channels: int, size: int) -> None:
        super().__init__()
        stages = widths(config.discriminator_width, size >> config.grown)
        convs: list[nn.Module] = []
        for before, after in pairwise([channels, *stages]):
            convs.append(nn.Conv2d(before, after, 4, 2, 1))
        self.body = nn.ModuleList(convs)
        self.mix = nn.Conv2d(stages[-1] + 1, stages[-1], 3, padding=1)
        # A Wasserstein critic is defined up to a constant only: its last bias would never learn.
        self.head = nn.Linear(16 * stages[-1], 1, bias=not OBJECTIVES[config.objective].distance)
        initialise(self)
        nn.init.normal_(self.head.weight, std=0.01)
        # The last one is the newest and sees the whole picture.
        self.grown = nn.ModuleList(
            GrownSight(config, channels, stages[0] if i == 0 else config.discriminator_width)
            for i in range(config.grown)
        )
        # Spectral norm takes a step of power iteration in every pass, so a second pass would not give the same numbers.
        self.powers = config.regulariser == "spectral"
        if self.powers:
            for layer in [*convs, self.mix, self.head]:
                spectral_norm(layer)

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor | None = None
        for stage in reversed(self.grown):
            added = self.held(stage, x, added)
            x = avg_pool2d(x, 2)
        for i, conv in enumerate(self.body):
            more = added if i == 0 else None
            x = self._stage(conv, x, more) if self.powers else self.held(self._stage, conv, x, more)
        spread = x.float().var(0, unbiased=False).add(1e-8).sqrt().mean().to(x.dtype)
        x = torch.cat([x, spread.expand(len(x), 1, *x.shape[2:])], 1)
        x = leaky_relu(self.mix(x), 0.2)
        y: Tensor = self.head(x.flatten(1)).float().squeeze(1)
        return y

    @staticmethod
    def _stage(conv: nn.Module, x: Tensor, added: Tensor | None) -> Tensor:
        y = conv(x)
        return leaky_relu(y if added is None else y + added, 0.2)


class Dcgan(LatentModel):
    """A generator and a discriminator, and the game of `objective` between them: convolutional for pictures, dense for
    points.
    """

    abilities = Abilities(encode="search", density="none")
    training_only = ("discriminator.",)
    added_later = ("generator.centre", "generator.centred")
    statistics = ("generator.centre",)

    def __init__(self, config: DcganConfig, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, size, _ = image_shape
        self.config = config
        self.objective = OBJECTIVES[config.objective]
        self.critic_steps = config.critic_steps or self.objective.critic_steps
        evens = ((torch.sigmoid, 0.5), (torch.tanh, 0.0))
        self.critic_even = next((even for reading, even in evens if self.objective.reading is reading), None)
        points, groups = are_points(image_shape), (Group("code", 0, config.code),)
        self.spec = LatentSpec(config.code, groups, image_shape, range=None if points else (-1.0, 1.0))
        self.generator: Generator | PointGenerator
        self.discriminator: Discriminator | PointDiscriminator
        if points and config.augment:
            raise UsageError("Augmenting shifts and recolours pictures, and points have neither: switch augment off.")
        if points and (config.grown or config.fade or config.critic_first):
            raise UsageError("Growing is for pictures, and points have no size: leave grown, fade and critic_first 0.")
        if not points and self.objective.compare is not None:
            raise UsageError(
                f"The objective {config.objective} compares points by their distance, which pixel by pixel says little "
                "of pictures: choose one with a discriminator."
            )
        if points:
            self.generator = PointGenerator(config.code, config.width, channels)
            if self.objective.compare is not None:
                return
            self.discriminator = PointDiscriminator(
                config.discriminator_width,
                channels,
                bias=not self.objective.distance,
                bounded=config.regulariser == "spectral",
            )
        else:
            check_grown(config, size)
            self.generator = Generator(config, channels, size)
            self.discriminator = Discriminator(config, channels, size)

    def decode(self, z: Tensor) -> Tensor:
        x: Tensor = self.generator(z)
        return x

    def first_layer(self) -> Tensor:
        return self.generator.first_matrix()

    def decoder_features(self, z: Tensor) -> Tensor:
        """(B, F, 8, 8): the generator after its first doubling; of points its first layer, (B, F)."""
        return self.generator.early(z)

    def training_networks(self) -> dict[str, nn.Module]:
        if self.objective.compare is not None:
            return {"generator": self.generator}
        return {"discriminator": self.discriminator, "generator": self.generator}

    def critic(self, x: Tensor) -> Tensor | None:
        if self.objective.compare is not None:
            return None
        return self.objective.reading(self.discriminator(x))

    def pull(self, x: Tensor, batch: Tensor) -> Tensor | None:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            compare = self.objective.compare
            if compare is not None:
                loss = compare(batch.flatten(1), x.flatten(1))
            else:
                loss = self.objective.generator(self.discriminator(x))
            (gradient,) = torch.autograd.grad(loss, x)
        return -len(x) * gradient

    def _seen(self, x: Tensor, steps: Steps) -> Tensor:
        """What the discriminator is shown of images."""
        return differentiable_augment(x, steps.rand) if self.config.augment else x

    def training_step(self, batch: Tensor, steps: Steps) -> dict[str, Tensor]:
        if self.objective.compare is not None:
            return self._compare(batch, self.objective.compare, steps)
        judging = steps.wants("discriminator")
        turn = steps.index >= self.config.critic_first and steps.index % self.critic_steps == 0
        drawing = steps.wants("generator") and turn
        if not (judging or drawing):
            return {}
        z = steps.randn(len(batch), self.spec.size, like=batch)
        # One generator pass serves both updates.
        with nullcontext() if drawing else torch.no_grad(), steps.autocast():
            fake = self.generator(z)
        real = faded_in(batch, self.config, steps.index)
        seen_real, seen_fake = self._seen(real, steps), self._seen(fake, steps)
        found = self._judge(seen_real, seen_fake.detach(), steps) if judging else {}
        if drawing:
            found |= self._draw(seen_fake, steps)
        return found

    def _judge(self, real: Tensor, fake: Tensor, steps: Steps) -> dict[str, Tensor]:
        """The discriminator's update."""
        with steps.autocast():
            real_logits = self.discriminator(real)
            fake_logits = self.discriminator(fake)
        game, found = self.objective, {}
        loss = game.discriminator(real_logits, fake_logits)
        total = loss
        if game.bound == "gradient":
            penalty = gradient_penalty(self.discriminator.forward, real, fake, steps.rand(len(real), like=real))
            total = total + penalty * self.config.gradient_penalty
            found["discriminator/penalty"] = penalty.detach()
        elif game.bound == "free" and self.config.regulariser == "r1" and steps.index % self.config.r1_every == 0:
            # In float32: the penalty differentiates twice, and a gradient of a gradient has no bits to spare.
            # Its size is multiplied because it is paid only now and then (Karras et al. 2020, "lazy regularisation").
            penalty = r1_penalty(self.discriminator.forward, real)
            total = total + penalty * (0.5 * self.config.r1_weight * self.config.r1_every)
            found["discriminator/penalty"] = penalty.detach()
        norm = steps.update("discriminator", total)
        if game.bound == "clip":
            clip_weights(self.discriminator, self.config.weight_clip)
        return found | {
            "discriminator_loss": loss.detach(),
            "d_real": game.reading(real_logits.detach()).mean(),
            "d_fake": game.reading(fake_logits.detach()).mean(),
            "discriminator_gradient_norm": norm,
            **self._distance(-loss.detach(), steps.index),
        }

    def _compare(self, batch: Tensor, compare: Compare, steps: Steps) -> dict[str, Tensor]:
        """The generator's update where two batches are compared."""
        fake = self.generator(steps.randn(len(batch), self.spec.size, like=batch))
        loss = compare(batch.flatten(1), fake.flatten(1))
        norm = steps.update("generator", loss)
        return {"generator_loss": loss.detach(), "generator_gradient_norm": norm}

    def _distance(self, estimate: Tensor, index: int) -> dict[str, Tensor]:
        """The critic's estimate of the distance, and by itself the first and the last one between two generator steps.

        The generator does not change between these two, so what the estimate gains is what the critic lacked.
        """
        if not self.objective.distance:
            return {}
        found = {"critic_distance": estimate}
        if self.critic_steps > 1 and index:
            found |= {
                name: estimate
                for name, at in (("critic_distance_first", 1), ("critic_distance_last", 0))
                if index % self.critic_steps == at
            }
        return found

    def _draw(self, fake: Tensor, steps: Steps) -> dict[str, Tensor]:
        """The generator's update."""
        # It needs the gradient through the discriminator, not of its weights.
        self.discriminator.requires_grad_(False)
        try:
            with steps.autocast():
                logits = self.discriminator(fake)
            loss = self.objective.generator(logits)
            norm = steps.update("generator", loss)
        finally:
            self.discriminator.requires_grad_(True)
        return {"generator_loss": loss.detach(), "generator_gradient_norm": norm}

    def landmarks(self) -> dict[str, float]:
        even = self.objective.even_loss
        return {} if even is None else {"even_discriminator_loss": even}

    def examine(
        self, shown: LatentModel, *, training: Tensor, heldout: Tensor, codes: Tensor
    ) -> tuple[dict[str, Tensor], tuple[Chart, ...]]:
        """What the discriminator says of images that it trains on, of others, and of samples as it meets them."""
        if self.objective.compare is not None:
            return {}, ()
        scores = {
            name: torch.cat([self.discriminator(part) for part in images.split(EXAMINED)])
            for name, images in (("training", training), ("heldout", heldout), ("samples", self._drawn(codes)))
        }
        game = self.objective
        known, new, drawn = scores["training"], scores["heldout"], scores["samples"]
        values = {
            "training/d_real": game.reading(known).mean(),
            "heldout/d_real": game.reading(new).mean(),
            "heldout/d_fake": game.reading(drawn).mean(),
            "heldout/overfitting": overfitting(known, new, drawn),
        }
        if game.distance:
            values |= {
                "training/critic_distance": known.mean() - drawn.mean(),
                "heldout/critic_distance": new.mean() - drawn.mean(),
            }
        low, high = (0.0, 1.0) if game.reading is torch.sigmoid else (None, None)
        readings = {f"discriminator/on_{name}": game.reading(of).cpu().numpy() for name, of in scores.items()}
        return values, shared_histograms(readings, low=low, high=high)

    def _drawn(self, codes: Tensor) -> Tensor:
        """Samples as in training: batch norm uses the batch, and its running statistics stay as they are."""
        running = {name: value.clone() for name, value in self.generator.named_buffers()}
        self.generator.train()
        try:
            return torch.cat([functional_call(self.generator, running, (part,)) for part in codes.split(EXAMINED)])
        finally:
            self.generator.eval()
