"""The stage of the canvas, in the middle of its room."""

from app.widgets.picture import Picture
from app.widgets.stage import PictureStage


class CentredStage(PictureStage):
    """A stage whose pictures stand in the middle where they are narrower than the room."""

    def _place(self) -> None:
        super()._place()
        shown = [child for child in self.children() if isinstance(child, Picture) and not child.isHidden()]
        used = max((child.geometry().right() + 1 for child in shown), default=self.width())
        shift = max(0, (self.width() - used) // 2)
        for child in shown:
            child.move(child.x() + shift, child.y())
