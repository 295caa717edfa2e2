"""Which gesture of which view leads to which intent: the whole list in one place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.model_host import run_ref
from app.notices import ONLY_ADDRESS
from app.palette_controller import PaletteController
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
    window.filesDropped.connect(controller.files.open_files)
    window.imageDropped.connect(lambda picture: controller.photos.add_picture(picture, controller.use_photo))
    window.addressDropped.connect(lambda: controller.notices.say(ONLY_ADDRESS))
    controller.sessions.used.connect(controller.remember_file)
    window.top.workspaceChanged.connect(controller.show_workspace)
    window.top.modelChanged.connect(controller.explore.open_model)
    window.top.themeClicked.connect(controller.switch_theme)
    window.top.deviceChanged.connect(controller.choose_device)
    window.top.helpClicked.connect(controller.show_help)
    window.jobs.stopClicked.connect(controller.hub.cancel_job)
    window.jobs.pauseClicked.connect(controller.pause_job)
    window.jobs.resumeClicked.connect(lambda key: controller.pause_job(key, False))
    _connect_library(controller)
    _connect_explore(controller)
    _connect_framing(controller)
    _connect_directions(controller)
    _connect_morph(controller)
    _connect_check(controller)
    window.trainMade.connect(lambda: _connect_train(controller))
    actions = make_actions(
        window,
        {
            "workspace.explore": lambda: controller.show_workspace("explore"),
            "workspace.train": lambda: controller.show_workspace("train"),
            "photo.open": controller.files.open_photo,
            "photo.paste": controller.files.paste,
            "photo.frame": controller.framing.open,
            "photo.face_next": lambda: controller.photos.step_face(1),
            "photo.face_previous": lambda: controller.photos.step_face(-1),
            "photo.improve": controller.photos.improve,
            "picture.copy": controller.files.copy_picture,
            "picture.save": controller.files.save_picture,
            "code.copy": controller.files.copy_code,
            "session.open": controller.files.open_session,
            "session.save": controller.files.save_session,
            "session.previous": controller.sessions.open_previous,
            "edit.undo": controller.explore.undo,
            "edit.redo": controller.explore.redo,
            "sample.random": controller.roll,
            "sliders.reset": window.explore.inspector.resetWanted.emit,
            "levels.show": controller.microscope.show,
            "levels.swap": controller.microscope.swap_all,
            "levels.double": controller.microscope.switch_precision,
            "levels.reset": controller.microscope.reset,
            "grid.kind": controller.grid.next_kind,
            "bookmark.keep": controller.bookmarks.keep,
            "view.split": controller.bookmarks.toggle_split,
            "attribute.new": controller.directions.maker.open,
            "model.import": lambda: controller.imports.choose(window),
            "morph.play": controller.play_if_shown,
            "morph.take": controller.morph.if_shown(controller.morph.take),
            "morph.corner": controller.morph.if_shown(controller.morph.add_slot),
            "morph.pad": controller.morph.if_shown(controller.morph.toggle_pad),
            "morph.export": controller.morph.if_shown(controller.files.export_morph),
            "train.start": controller.start_if_shown,
            "train.pause": controller.pause_shown,
            "train.stop": controller.stop_shown,
            "train.host": controller.run_actions.next_host,
            "runs.find": controller.find_run,
            "runs.attach": lambda: controller.run_actions.choose_attached(window),
            "runs.mark": controller.run_actions.with_shown("mark"),
            "runs.compare": controller.runs.compare,
            "runs.duplicate": controller.run_actions.with_shown("duplicate"),
            "runs.continue": controller.run_actions.with_shown("continue"),
            "runs.torchrun": controller.run_actions.with_shown("torchrun"),
            "runs.folder": controller.run_actions.with_shown("folder"),
            "runs.delete": controller.run_actions.with_shown("delete"),
            "runs.undo": controller.runs.undo_delete,
            "pictures.tab": controller.pictures.next_tab,
            "pictures.pin": controller.pictures.if_shown(lambda: controller.pictures.ask_photo(window)),
            "pictures.play": controller.pictures.if_shown(controller.pictures.play),
            "pictures.back": controller.pictures.if_shown(lambda: controller.pictures.step(-1)),
            "pictures.on": controller.pictures.if_shown(lambda: controller.pictures.step(1)),
            "pictures.film": controller.pictures.if_shown(lambda: controller.pictures.ask_film(window)),
            "curves.log": controller.curves.toggle_log,
            "curves.axis": controller.curves.next_axis,
            "curves.whole": controller.in_train(lambda view: view.curves.show_whole()),
            "curves.note": controller.in_train(lambda view: view.curves.begin_note()),
            "curves.compare": controller.in_train(lambda view: view.curves.open_compare()),
            "curves.csv": controller.files.export_curves_table,
            "curves.png": controller.files.export_curves_picture,
            "collapse.show": controller.collapse.toggle,
            "collapse.quick": lambda: controller.collapse.run(quick=True),
            "collapse.full": controller.collapse.run,
            "collapse.birthday": controller.birthday.open,
            "model.diagnose": controller.check.open,
            "view.theme": controller.switch_theme,
            "view.fullscreen": controller.full_screen,
            "help.palette": lambda: palette.toggle(),
            "help.shortcuts": controller.show_help,
            "app.quit": controller.close,
        },
    )
    palette = PaletteController(controller, actions)
    window.top.paletteClicked.connect(palette.toggle)


def _connect_library(controller: Controller) -> None:
    library = controller.window.explore.library
    library.modelChosen.connect(controller.explore.open_model)
    library.runChosen.connect(lambda path: controller.explore.open_model(run_ref(Path(path))))
    library.photoChosen.connect(controller.use_photo)
    library.photoRemoved.connect(controller.photos.remove)
    library.filesDropped.connect(controller.files.open_files)
    library.imageDropped.connect(lambda picture: controller.photos.add_picture(picture, controller.use_photo))
    library.openPhoto.connect(controller.files.open_photo)
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
    single.filesDropped.connect(controller.files.open_files)
    single.imageDropped.connect(controller.photos.add_picture)
    view.compare.sampleWanted.connect(controller.take_sample_photo)
    view.compare.filesDropped.connect(controller.files.open_files)
    view.compare.imageDropped.connect(controller.photos.add_picture)
    _connect_compare(controller)
    _connect_bookmarks(controller)
    view.grid.picked.connect(controller.grid.pick)
    view.grid.opened.connect(lambda _: controller.show_view("single"))
    view.grid.rollWanted.connect(controller.grid.roll)
    view.grid.kindChosen.connect(controller.grid.show_kind)
    view.grid.sideChanged.connect(controller.grid.set_side)
    view.grid.radiusChanged.connect(controller.grid.set_radius)
    view.grid.axisChosen.connect(controller.grid.set_axis)
    view.grid.panned.connect(controller.grid.pan)
    view.grid.zoomed.connect(controller.grid.zoom)
    view.grid.wholeWanted.connect(controller.grid.whole)
    _connect_levels(controller)


def _connect_compare(controller: Controller) -> None:
    view, compare = controller.window.explore.compare, controller.compare
    view.rowOpened.connect(compare.open_row)
    view.modelToggled.connect(compare.show_model)
    view.otherChosen.connect(compare.set_other)
    view.otherFilesDropped.connect(lambda files: controller.photos.add_files(files, compare.set_other))
    view.otherImageDropped.connect(lambda picture: controller.photos.add_picture(picture, compare.set_other))
    view.fractionChanged.connect(compare.set_fraction)
    controller.window.explore.inspector.resetWanted.connect(compare.reset_path)


def _connect_directions(controller: Controller) -> None:
    inspector, directions = controller.window.explore.inspector, controller.directions
    inspector.newWanted.connect(directions.maker.open)
    inspector.axesChosen.connect(directions.show_axes)
    inspector.actionWanted.connect(directions.act)
    inspector.renamed.connect(directions.rename)
    imported, imports = controller.window.explore.import_panel, controller.imports
    imported.accepted.connect(imports.accept)
    imported.closeWanted.connect(imports.close)
    imported.titleChanged.connect(imports.set_title)
    panel, maker = controller.window.explore.new_attribute, directions.maker
    panel.closeWanted.connect(maker.close)
    panel.makeWanted.connect(maker.make)
    panel.stopWanted.connect(maker.stop)
    panel.nameChanged.connect(maker.set_name)
    panel.wayChanged.connect(maker.set_way)
    panel.methodChanged.connect(maker.set_method)
    panel.filesDropped.connect(maker.add_files)
    panel.imageDropped.connect(maker.add_picture)
    panel.keyDropped.connect(maker.add_key)
    panel.removed.connect(maker.remove)
    panel.labelsChanged.connect(maker.set_labels)
    panel.dataChanged.connect(maker.set_data)
    panel.columnChanged.connect(maker.set_column)


def _connect_framing(controller: Controller) -> None:
    single, framing = controller.window.explore.single, controller.framing
    single.frameWanted.connect(framing.open)
    single.faceStepped.connect(controller.photos.step_face)
    single.improveWanted.connect(controller.photos.improve)
    single.searchCancelled.connect(controller.photos.cancel_search)
    panel = single.framing
    panel.faceChosen.connect(framing.choose_face)
    panel.clickWanted.connect(framing.start_clicking)
    panel.pointsChanged.connect(framing.set_points)
    panel.undoWanted.connect(framing.undo_point)
    panel.middleWanted.connect(framing.take_middle)
    panel.useWanted.connect(framing.use)
    panel.cancelWanted.connect(framing.cancel)


def _connect_levels(controller: Controller) -> None:
    levels, microscope, photos = controller.window.explore.inspector.levels, controller.microscope, controller.photos
    levels.scaled.connect(microscope.set_strength)
    levels.freezeToggled.connect(microscope.freeze)
    levels.swapToggled.connect(microscope.swap)
    levels.swapAllWanted.connect(microscope.swap_all)
    levels.soloToggled.connect(microscope.solo)
    levels.rollWanted.connect(microscope.roll)
    levels.precisionToggled.connect(microscope.set_precision)
    levels.actionClicked.connect(microscope.reset)
    levels.toggled.connect(lambda folded: microscope.open(not folded))
    levels.secondKeyChosen.connect(microscope.second_photo)
    levels.secondBookmarkChosen.connect(microscope.second_bookmark)
    levels.secondFilesDropped.connect(lambda files: photos.add_files(files, microscope.second_photo))
    levels.secondImageDropped.connect(lambda picture: photos.add_picture(picture, microscope.second_photo))
    levels.secondSeedWanted.connect(microscope.second_seed)
    levels.secondCurrentWanted.connect(microscope.second_current)


def _connect_bookmarks(controller: Controller) -> None:
    marks, panel = controller.bookmarks, controller.window.explore.library.bookmarks
    panel.chosen.connect(marks.go)
    panel.renamed.connect(marks.rename)
    panel.removed.connect(marks.remove)
    panel.splitWanted.connect(marks.split_bookmark)
    single = controller.window.explore.single
    single.picture.shareChanged.connect(marks.set_share)
    single.steps.splitWanted.connect(marks.split_entry)
    single.steps.splitBefore.connect(marks.split_before)
    single.steps.splitToggled.connect(marks.toggle_split)
    single.steps.keepWanted.connect(marks.keep)
    single.steps.keepEntryWanted.connect(marks.keep_entry)


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
    view.padWanted.connect(morph.show_pad)
    view.padPlaced.connect(morph.set_pad)
    view.cornerMoved.connect(morph.move_corner)
    view.holdWanted.connect(morph.set_hold)
    view.playWanted.connect(morph.play)
    view.takeWanted.connect(morph.take)
    panel = controller.window.explore.morph_panel
    panel.methodChanged.connect(morph.set_method)
    panel.fractionChanged.connect(morph.set_fraction)
    panel.timingChanged.connect(morph.set_timing)
    panel.holdChanged.connect(morph.set_hold)
    panel.exportChanged.connect(morph.set_export)
    panel.exportWanted.connect(controller.files.export_morph)


def _connect_pictures(controller: Controller) -> None:
    view, pictures, window = controller.window.train.pictures, controller.pictures, controller.window
    view.scrubbed.connect(pictures.scrub)
    view.tabChosen.connect(pictures.show_tab)
    view.playWanted.connect(pictures.play)
    view.filesDropped.connect(pictures.pin_files)
    view.imageDropped.connect(pictures.pin_picture)
    view.pinWanted.connect(lambda: pictures.ask_photo(window))
    view.unpinned.connect(pictures.unpin)
    view.filmChanged.connect(pictures.set_film)
    view.filmWanted.connect(lambda: pictures.ask_film(window))


def _connect_train(controller: Controller) -> None:
    view = controller.window.train
    view.form.startWanted.connect(controller.start_training)
    view.form.costAsked.connect(controller.cost.ask)
    view.form.wrong.connect(controller.notices.warn)
    view.data.chosen.connect(controller.data.choose)
    view.data.lookWanted.connect(controller.data.look)
    view.data.trainWanted.connect(controller.train_on)
    view.data_page.showChosen.connect(controller.data.show)
    view.data_page.attributeChosen.connect(controller.data.narrow)
    view.data_page.pageWanted.connect(controller.data.turn)
    view.panelChosen.connect(lambda panel: controller.hub.update(train_panel=panel))
    view.sideChosen.connect(lambda side: controller.hub.update(train_side=side))
    _connect_runs(controller)
    _connect_curves(controller)
    _connect_pictures(controller)
    _connect_collapse(controller)
    view.pauseWanted.connect(controller.pause_shown)
    view.stopWanted.connect(controller.stop_shown)
    view.resumeWanted.connect(controller.resume_shown)
    view.exploreWanted.connect(controller.explore_shown)


def _connect_curves(controller: Controller) -> None:
    view, curves, files = controller.window.train.curves, controller.curves, controller.files
    head = view.head
    head.smoothingChanged.connect(curves.set_smoothing)
    head.logToggled.connect(curves.set_log)
    head.axisChosen.connect(curves.set_axis)
    head.logXToggled.connect(curves.set_log_x)
    head.compareToggled.connect(lambda path, on: curves.compare(Path(path), on))
    head.markedWanted.connect(lambda: curves.compare_only(controller.state.shelf.marked))
    head.exportWanted.connect(
        lambda kind: files.export_curves_table() if kind == "csv" else files.export_curves_picture()
    )
    view.noteMade.connect(curves.set_note)
    view.metricWanted.connect(curves.show_metric)


def _connect_collapse(controller: Controller) -> None:
    panel, collapse, birthday = controller.window.train.collapse, controller.collapse, controller.birthday
    panel.runWanted.connect(lambda names, quick: collapse.run(names, quick=quick))
    panel.stepChosen.connect(collapse.choose)
    panel.folded.connect(collapse.unfold)
    panel.birthdayWanted.connect(birthday.open)
    game = panel.birthday
    game.answered.connect(birthday.answer)
    game.undoWanted.connect(birthday.undo)
    game.skipWanted.connect(birthday.skip)
    game.finishWanted.connect(birthday.finish)
    game.againWanted.connect(birthday.again)
    game.leaveWanted.connect(birthday.leave)


def _connect_check(controller: Controller) -> None:
    page, check = controller.window.explore.check, controller.check
    page.runWanted.connect(lambda names, quick: check.run(names, quick=quick))
    page.dataChosen.connect(check.set_data)
    page.folded.connect(check.unfold)
    page.closeWanted.connect(check.close)


def _connect_runs(controller: Controller) -> None:
    view, runs, actions = controller.window.train, controller.runs, controller.run_actions
    panel, form, table = view.runs, view.form, view.compare
    panel.runChosen.connect(lambda path: runs.choose(Path(path)))
    panel.markWanted.connect(lambda path, on: runs.mark(Path(path), on))
    panel.actionWanted.connect(lambda path, action: actions.act(Path(path), action))
    panel.seen.connect(runs.see)
    panel.searched.connect(runs.search)
    panel.tagChosen.connect(runs.choose_tag)
    panel.orderChosen.connect(runs.choose_order)
    panel.compareWanted.connect(runs.compare)
    panel.attachWanted.connect(lambda: actions.choose_attached(controller.window))
    panel.foldersDropped.connect(runs.attach)
    panel.renamed.connect(lambda path, title: runs.rename(Path(path), title))
    panel.tagAdded.connect(lambda path, tag: runs.add_tag(Path(path), tag))
    panel.tagRemoved.connect(lambda path, tag: runs.remove_tag(Path(path), tag))
    panel.machinesChanged.connect(actions.set_machines)
    table.closeWanted.connect(runs.close_table)
    table.copyWanted.connect(runs.copy_table)
    table.runChosen.connect(lambda path: runs.choose(Path(path)))
    form.hostChosen.connect(actions.choose_host)
    form.onCloseChosen.connect(actions.choose_on_close)
    form.draftDropped.connect(actions.drop_draft)
    form.startChosen.connect(actions.choose_start)
