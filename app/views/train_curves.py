"""A run's curves: those its family names, and the diversity of its samples with a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.state import RunView
from app.widgets.layout import scrolled, vbox
from engine.api import Catalogue

if TYPE_CHECKING:
    from app.widgets.curves import Curves

DIVERSITY: Final = "heldout/diversity"
CURVE_PX: Final = 156
TALLEST_PX: Final = 260
VERDICT_PX: Final = 40
SMOOTHING: Final = 0.6
NAMES: Final = {
    "elbo_bits_per_dim": "training",
    "bits_per_dim": "training",
    "psnr_db": "training",
    "heldout/bits_per_dim": "held-out",
    "heldout/psnr_db": "held-out",
    "generator_loss": "generator",
    "discriminator_loss": "discriminator",
    "d_real": "real",
    "d_fake": "generated",
    "generator_gradient_norm": "generator",
    "discriminator_gradient_norm": "discriminator",
    "kl_nats": "KL",
    "code_norm": "codes",
    "gradient_norm": "gradient",
    DIVERSITY: "samples",
}
LOGARITHMIC: Final = ("Gradient norm",)


class TrainCurves(QWidget):
    """One plot for each of the family's, and diversity last; made anew only when the family changes."""

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plots: dict[str, tuple[Curves, tuple[str, ...]]] = {}
        self._made_for = ""
        self.diversity: Curves | None = None
        self.verdict = QLabel(wordWrap=True)
        self.verdict.setProperty("kind", "muted")
        self._column = vbox(self.verdict, None, gap_px=8)
        inner = QWidget()
        inner.setLayout(self._column)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._area = scrolled(inner)
        layout.addWidget(self._area)

    def show_run(self, view: RunView, catalogue: Catalogue | None) -> None:
        """Draws all series of the run."""
        family = view.info.config.family
        known = catalogue.families if catalogue is not None else ()
        curves = next((info.curves for info in known if info.name == family), ())
        if curves and self._made_for != family:
            self._make(family, curves)
        step = max((steps[-1] for steps, _ in view.series.values() if steps), default=0)
        for plot, metrics in self.plots.values():
            for metric in metrics:
                steps, values = view.series.get(metric, ([], []))
                plot.set_series(NAMES.get(metric, metric), steps, values)
            plot.set_note(f"step {step:,}" if step else "")
        self._show_diversity(view, step)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_height()

    def _share_height(self) -> None:
        """All plots in view where the height allows, none of them too flat or too tall to read."""
        if self.diversity is None:
            return
        plots = [*(plot for plot, _ in self.plots.values()), self.diversity]
        room = self.height() - VERDICT_PX - 8 * len(plots)
        for plot in plots:
            plot.setFixedHeight(min(TALLEST_PX, max(CURVE_PX, room // len(plots))))

    def _make(self, family: str, curves: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
        for plot, _ in self.plots.values():
            plot.setParent(None)
            plot.deleteLater()
        # Imported with the first run on show: the plotting library would double the time to the first window.
        from app.widgets.curves import Curves

        self.plots, self._made_for = {}, family
        if self.diversity is None:
            self.diversity = Curves("Diversity of samples", smoothing=0.0)
            self.diversity.setToolTip(
                "Spread of the samples over the spread of held-out images: 1 is as varied as real images."
            )
            self._column.insertWidget(0, self.diversity)
        for index, (title, metrics) in enumerate(curves):
            plot = Curves(title, log_y=title in LOGARITHMIC, smoothing=SMOOTHING)
            self._column.insertWidget(index, plot)
            self.plots[title] = (plot, metrics)
        self._share_height()

    def _show_diversity(self, view: RunView, step: int) -> None:
        steps, values = view.series.get(DIVERSITY, ([], []))
        self.verdict.setText(verdict(values[-1] if values else None))
        if self.diversity is None:
            return
        self.diversity.set_series("samples", steps, values)
        self.diversity.set_series("real images", [0, max(step, 1)] if steps else [], [1.0, 1.0] if steps else [])
        self.diversity.set_note(f"{values[-1]:.2f}" if values else "")


def verdict(diversity: float | None) -> str:
    """The last figure in words. Thresholds are coarse on purpose: spread alone proves neither collapse nor health."""
    if diversity is None:
        return "Diversity is measured with each preview."
    share = f"The samples spread {diversity:.0%} as widely as held-out images"
    if diversity < 0.3:
        return f"{share}: they look much alike, as at the very start of training or in a collapse."
    if diversity < 0.7:
        return f"{share}: clearly less varied than real images."
    if diversity <= 1.3:
        return f"{share}: about as varied as real images."
    return f"{share}: more spread than real images, often a sign of noise."
