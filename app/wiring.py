"""Which gesture of which view leads to which intent: the whole list in one place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.model_host import run_ref
from app.shortcuts import make_actions

if TYPE_CHECKING:
    from app.controller import Controller


def connect(controller: Controller) -> None:
    """Connects all views, and the keys."""
    window = controller.window
    controller.notices.said.connect(window.show_notice)
    controller.hub.changed.connect(lambda before, now: window.show_state(now, before))
    controller.hub.changed.connect(controller.after_first_picture)
    controller.hub.modelOpened.connect(controller.remember_model)
    window.closeWanted.connect(controller.close)
    window.filesDropped.connect(controller.photos.add_files)
    window.top.workspaceChanged.connect(controller.show_workspace)
    window.top.modelChanged.connect(controller.explore.open_model)
    window.top.themeClicked.connect(controller.switch_theme)
    window.top.deviceChanged.connect(controller.choose_device)
    window.top.helpClicked.connect(controller.show_help)
    window.jobs.stopClicked.connect(controller.hub.cancel_job)
    window.jobs.pauseClicked.connect(lambda _: controller.train.pause(True))
    window.jobs.resumeClicked.connect(lambda _: controller.train.pause(False))
    _connect_library(controller)
    _connect_explore(controller)
    _connect_morph(controller)
    _connect_train(controller)
    make_actions(
        window,
        {
            "workspace.explore": lambda: controller.show_workspace("explore"),
            "workspace.train": lambda: controller.show_workspace("train"),
            "photo.open": controller.open_photo,
            "photo.paste": controller.paste,
            "picture.copy": controller.copy_picture,
            "picture.save": controller.save_picture,
            "edit.undo": controller.explore.undo,
            "edit.redo": controller.explore.redo,
            "sample.random": controller.roll,
            "sliders.reset": controller.explore.reset_sliders,
            "morph.play": controller.play_if_shown,
            "train.start": controller.start_if_shown,
            "train.pause": controller.pause_shown,
            "train.stop": controller.stop_shown,
            "view.theme": controller.switch_theme,
            "view.fullscreen": controller.full_screen,
            "help.shortcuts": controller.show_help,
            "app.quit": controller.close,
        },
    )


def _connect_library(controller: Controller) -> None:
    library = controller.window.explore.library
    library.modelChosen.connect(controller.explore.open_model)
    library.runChosen.connect(lambda path: controller.explore.open_model(run_ref(Path(path))))
    library.photoChosen.connect(controller.use_photo)
    library.photoRemoved.connect(controller.photos.remove)
    library.filesDropped.connect(lambda files: controller.photos.add_files(files, controller.use_photo))
    library.imageDropped.connect(lambda picture: controller.photos.add_picture(picture, controller.use_photo))
    library.openPhoto.connect(controller.open_photo)
    library.trainWanted.connect(lambda: controller.show_workspace("train"))


def _connect_explore(controller: Controller) -> None:
    view, explore = controller.window.explore, controller.explore
    view.viewChosen.connect(controller.show_view)
    view.trainWanted.connect(lambda: controller.show_workspace("train"))
    inspector = view.inspector
    inspector.temperatureChanged.connect(explore.set_temperature)
    inspector.seedChanged.connect(explore.set_seed)
    inspector.rollWanted.connect(controller.roll)
    inspector.editChanged.connect(explore.set_edit)
    inspector.lockChanged.connect(explore.set_lock)
    inspector.resetWanted.connect(explore.reset_sliders)
    inspector.settled.connect(explore.settle)
    single = view.single
    single.wandered.connect(explore.wander)
    single.wanderFinished.connect(explore.settle)
    single.reachTurned.connect(explore.turn_reach)
    single.planeWanted.connect(explore.new_plane)
    single.jumped.connect(explore.jump)
    single.filesDropped.connect(controller.photos.add_files)
    single.imageDropped.connect(controller.photos.add_picture)
    view.compare.sampleWanted.connect(controller.take_sample_photo)
    view.compare.filesDropped.connect(controller.photos.add_files)
    view.compare.imageDropped.connect(controller.photos.add_picture)
    view.grid.picked.connect(controller.grid.pick)
    view.grid.opened.connect(lambda _: controller.show_view("single"))
    view.grid.rollWanted.connect(controller.grid.roll)


def _connect_morph(controller: Controller) -> None:
    view, morph = controller.window.explore.morph, controller.morph
    view.slotChosen.connect(morph.choose_slot)
    view.slotKeyDropped.connect(lambda index, key: morph.set_photo(key, index))
    view.slotFilesDropped.connect(
        lambda index, files: controller.photos.add_files(files, lambda key: morph.set_photo(key, index))
    )
    view.slotImageDropped.connect(
        lambda index, picture: controller.photos.add_picture(picture, lambda key: morph.set_photo(key, index))
    )
    view.slotCurrent.connect(morph.set_current)
    view.slotRemoved.connect(morph.remove_slot)
    view.slotAdded.connect(morph.add_slot)
    view.fractionChanged.connect(morph.set_fraction)
    view.methodChanged.connect(morph.set_method)
    view.playWanted.connect(lambda: morph.play())
    view.exportWanted.connect(controller.export_morph)
    view.takeWanted.connect(morph.take)


def _connect_train(controller: Controller) -> None:
    view, train = controller.window.train, controller.train
    view.form.startWanted.connect(controller.start_training)
    view.form.wrong.connect(controller.notices.warn)
    view.runChosen.connect(lambda path: train.show_run(Path(path)))
    view.scrubbed.connect(train.scrub)
    view.pauseWanted.connect(controller.pause_shown)
    view.stopWanted.connect(controller.stop_shown)
    view.resumeWanted.connect(controller.resume_shown)
    view.exploreWanted.connect(controller.explore_shown)
