"""Which gesture of which view leads to which intent: the whole list in one place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.core.model_host import run_ref
from app.core.notices import ONLY_ADDRESS
from app.core.shortcuts import make_actions
from app.palette.controller import PaletteController

if TYPE_CHECKING:
    from app.conductor import Conductor


def connect(conductor: Conductor) -> None:
    """Connects all views, and the keys."""
    window = conductor.window
    conductor.notices.said.connect(window.show_notice)
    conductor.store.changed.connect(lambda before, now: window.show_state(now, before))
    conductor.store.changed.connect(conductor.after_first_picture)
    conductor.store.modelOpened.connect(conductor.remember_model)
    window.closeWanted.connect(conductor.close)
    window.filesDropped.connect(conductor.files.open_files)
    window.imageDropped.connect(lambda picture: conductor.photos.add_picture(picture, conductor.use_photo))
    window.addressDropped.connect(lambda: conductor.notices.say(ONLY_ADDRESS))
    conductor.sessions.used.connect(conductor.remember_file)
    window.top.workspaceChanged.connect(conductor.show_workspace)
    window.top.modelChanged.connect(conductor.explore.open_model)
    window.top.themeClicked.connect(conductor.switch_theme)
    window.top.deviceChanged.connect(conductor.choose_device)
    window.top.helpClicked.connect(conductor.show_help)
    window.jobs.stopClicked.connect(conductor.store.cancel_job)
    window.jobs.pauseClicked.connect(conductor.pause_job)
    window.jobs.resumeClicked.connect(lambda key: conductor.pause_job(key, False))
    _connect_library(conductor)
    _connect_explore(conductor)
    _connect_framing(conductor)
    _connect_directions(conductor)
    _connect_morph(conductor)
    _connect_check(conductor)
    window.trainMade.connect(lambda: _connect_train(conductor))
    actions = make_actions(
        window,
        {
            "workspace.explore": lambda: conductor.show_workspace("explore"),
            "workspace.train": lambda: conductor.show_workspace("train"),
            "photo.open": conductor.files.open_photo,
            "photo.paste": conductor.files.paste,
            "photo.frame": conductor.framing.open,
            "photo.face_next": lambda: conductor.photos.step_face(1),
            "photo.face_previous": lambda: conductor.photos.step_face(-1),
            "photo.improve": conductor.photos.improve,
            "picture.copy": conductor.files.copy_picture,
            "picture.save": conductor.files.save_picture,
            "code.copy": conductor.files.copy_code,
            "session.open": conductor.files.open_session,
            "session.save": conductor.files.save_session,
            "session.previous": conductor.sessions.open_previous,
            "edit.undo": conductor.explore.undo,
            "edit.redo": conductor.explore.redo,
            "sample.random": conductor.roll,
            "sliders.reset": window.explore.inspector.resetWanted.emit,
            "levels.show": conductor.microscope.show,
            "levels.swap": conductor.microscope.swap_all,
            "levels.double": conductor.microscope.switch_precision,
            "levels.reset": conductor.microscope.reset,
            "grid.kind": conductor.grid.next_kind,
            "bookmark.keep": conductor.bookmarks.keep,
            "view.split": conductor.bookmarks.toggle_split,
            "attribute.new": conductor.directions.maker.open,
            "model.import": lambda: conductor.imports.choose(window),
            "morph.play": conductor.play_if_shown,
            "morph.take": conductor.morph.if_shown(conductor.morph.take),
            "morph.corner": conductor.morph.if_shown(conductor.morph.add_slot),
            "morph.pad": conductor.morph.if_shown(conductor.morph.toggle_pad),
            "morph.export": conductor.morph.if_shown(conductor.files.export_morph),
            "train.start": conductor.start_if_shown,
            "train.pause": conductor.pause_shown,
            "train.stop": conductor.stop_shown,
            "train.host": conductor.run_actions.next_host,
            "runs.find": conductor.find_run,
            "runs.attach": lambda: conductor.run_actions.choose_attached(window),
            "runs.mark": conductor.run_actions.with_shown("mark"),
            "runs.compare": conductor.runs.compare,
            "runs.duplicate": conductor.run_actions.with_shown("duplicate"),
            "runs.continue": conductor.run_actions.with_shown("continue"),
            "runs.torchrun": conductor.run_actions.with_shown("torchrun"),
            "runs.folder": conductor.run_actions.with_shown("folder"),
            "runs.delete": conductor.run_actions.with_shown("delete"),
            "runs.undo": conductor.runs.undo_delete,
            "pictures.tab": conductor.pictures.next_tab,
            "pictures.pin": conductor.pictures.if_shown(lambda: conductor.pictures.ask_photo(window)),
            "pictures.play": conductor.pictures.if_shown(conductor.pictures.play),
            "pictures.back": conductor.pictures.if_shown(lambda: conductor.pictures.step(-1)),
            "pictures.on": conductor.pictures.if_shown(lambda: conductor.pictures.step(1)),
            "pictures.film": conductor.pictures.if_shown(lambda: conductor.pictures.ask_film(window)),
            "curves.log": conductor.curves.toggle_log,
            "curves.axis": conductor.curves.next_axis,
            "curves.whole": conductor.in_train(lambda view: view.curves.show_whole()),
            "curves.note": conductor.in_train(lambda view: view.curves.begin_note()),
            "curves.compare": conductor.in_train(lambda view: view.curves.open_compare()),
            "curves.csv": conductor.files.export_curves_table,
            "curves.png": conductor.files.export_curves_picture,
            "collapse.show": conductor.collapse.toggle,
            "collapse.quick": lambda: conductor.collapse.run(quick=True),
            "collapse.full": conductor.collapse.run,
            "collapse.birthday": conductor.birthday.open,
            "model.diagnose": conductor.check.open,
            "view.theme": conductor.switch_theme,
            "view.fullscreen": conductor.full_screen,
            "help.palette": lambda: palette.toggle(),
            "help.shortcuts": conductor.show_help,
            "app.quit": conductor.close,
        },
    )
    palette = PaletteController(conductor, actions)
    window.top.paletteClicked.connect(palette.toggle)


def _connect_library(conductor: Conductor) -> None:
    library = conductor.window.explore.library
    library.modelChosen.connect(conductor.explore.open_model)
    library.runChosen.connect(lambda path: conductor.explore.open_model(run_ref(Path(path))))
    library.photoChosen.connect(conductor.use_photo)
    library.photoRemoved.connect(conductor.photos.remove)
    library.filesDropped.connect(conductor.files.open_files)
    library.imageDropped.connect(lambda picture: conductor.photos.add_picture(picture, conductor.use_photo))
    library.openPhoto.connect(conductor.files.open_photo)
    library.trainWanted.connect(lambda: conductor.show_workspace("train"))


def _connect_explore(conductor: Conductor) -> None:
    view, explore = conductor.window.explore, conductor.explore
    view.viewChosen.connect(conductor.show_view)
    view.trainWanted.connect(lambda: conductor.show_workspace("train"))
    inspector = view.inspector
    inspector.temperatureChanged.connect(explore.set_temperature)
    inspector.seedChanged.connect(explore.set_seed)
    inspector.rollWanted.connect(conductor.roll)
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
    single.filesDropped.connect(conductor.files.open_files)
    single.imageDropped.connect(conductor.photos.add_picture)
    view.compare.sampleWanted.connect(conductor.take_sample_photo)
    view.compare.filesDropped.connect(conductor.files.open_files)
    view.compare.imageDropped.connect(conductor.photos.add_picture)
    _connect_compare(conductor)
    _connect_bookmarks(conductor)
    view.grid.picked.connect(conductor.grid.pick)
    view.grid.opened.connect(lambda _: conductor.show_view("single"))
    view.grid.rollWanted.connect(conductor.grid.roll)
    view.grid.kindChosen.connect(conductor.grid.show_kind)
    view.grid.sideChanged.connect(conductor.grid.set_side)
    view.grid.radiusChanged.connect(conductor.grid.set_radius)
    view.grid.axisChosen.connect(conductor.grid.set_axis)
    view.grid.panned.connect(conductor.grid.pan)
    view.grid.zoomed.connect(conductor.grid.zoom)
    view.grid.wholeWanted.connect(conductor.grid.whole)
    _connect_levels(conductor)


def _connect_compare(conductor: Conductor) -> None:
    view, compare = conductor.window.explore.compare, conductor.compare
    view.rowOpened.connect(compare.open_row)
    view.modelToggled.connect(compare.show_model)
    view.otherChosen.connect(compare.set_other)
    view.otherFilesDropped.connect(lambda files: conductor.photos.add_files(files, compare.set_other))
    view.otherImageDropped.connect(lambda picture: conductor.photos.add_picture(picture, compare.set_other))
    view.fractionChanged.connect(compare.set_fraction)
    conductor.window.explore.inspector.resetWanted.connect(compare.reset_path)


def _connect_directions(conductor: Conductor) -> None:
    inspector, directions = conductor.window.explore.inspector, conductor.directions
    inspector.newWanted.connect(directions.maker.open)
    inspector.axesChosen.connect(directions.show_axes)
    inspector.actionWanted.connect(directions.act)
    inspector.renamed.connect(directions.rename)
    imported, imports = conductor.window.explore.import_panel, conductor.imports
    imported.accepted.connect(imports.accept)
    imported.closeWanted.connect(imports.close)
    imported.titleChanged.connect(imports.set_title)
    panel, maker = conductor.window.explore.new_attribute, directions.maker
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


def _connect_framing(conductor: Conductor) -> None:
    single, framing = conductor.window.explore.single, conductor.framing
    single.frameWanted.connect(framing.open)
    single.faceStepped.connect(conductor.photos.step_face)
    single.improveWanted.connect(conductor.photos.improve)
    single.searchCancelled.connect(conductor.photos.cancel_search)
    panel = single.framing
    panel.faceChosen.connect(framing.choose_face)
    panel.clickWanted.connect(framing.start_clicking)
    panel.pointsChanged.connect(framing.set_points)
    panel.undoWanted.connect(framing.undo_point)
    panel.middleWanted.connect(framing.take_middle)
    panel.useWanted.connect(framing.use)
    panel.cancelWanted.connect(framing.cancel)


def _connect_levels(conductor: Conductor) -> None:
    levels, microscope, photos = conductor.window.explore.inspector.levels, conductor.microscope, conductor.photos
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


def _connect_bookmarks(conductor: Conductor) -> None:
    marks, panel = conductor.bookmarks, conductor.window.explore.library.bookmarks
    panel.chosen.connect(marks.go)
    panel.renamed.connect(marks.rename)
    panel.removed.connect(marks.remove)
    panel.splitWanted.connect(marks.split_bookmark)
    single = conductor.window.explore.single
    single.picture.shareChanged.connect(marks.set_share)
    single.steps.splitWanted.connect(marks.split_entry)
    single.steps.splitBefore.connect(marks.split_before)
    single.steps.splitToggled.connect(marks.toggle_split)
    single.steps.keepWanted.connect(marks.keep)
    single.steps.keepEntryWanted.connect(marks.keep_entry)


def _connect_morph(conductor: Conductor) -> None:
    view, morph = conductor.window.explore.morph, conductor.morph
    view.slotChosen.connect(morph.choose_slot)
    view.slotKeyDropped.connect(lambda index, key: morph.set_photo(key, index))
    view.slotFilesDropped.connect(
        lambda index, files: conductor.photos.add_files(files, lambda key: morph.set_photo(key, index))
    )
    view.slotImageDropped.connect(
        lambda index, picture: conductor.photos.add_picture(picture, lambda key: morph.set_photo(key, index))
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
    panel = conductor.window.explore.morph_panel
    panel.methodChanged.connect(morph.set_method)
    panel.fractionChanged.connect(morph.set_fraction)
    panel.timingChanged.connect(morph.set_timing)
    panel.holdChanged.connect(morph.set_hold)
    panel.exportChanged.connect(morph.set_export)
    panel.exportWanted.connect(conductor.files.export_morph)


def _connect_pictures(conductor: Conductor) -> None:
    view, pictures, window = conductor.window.train.pictures, conductor.pictures, conductor.window
    view.scrubbed.connect(pictures.scrub)
    view.tabChosen.connect(pictures.show_tab)
    view.playWanted.connect(pictures.play)
    view.filesDropped.connect(pictures.pin_files)
    view.imageDropped.connect(pictures.pin_picture)
    view.pinWanted.connect(lambda: pictures.ask_photo(window))
    view.unpinned.connect(pictures.unpin)
    view.filmChanged.connect(pictures.set_film)
    view.filmWanted.connect(lambda: pictures.ask_film(window))


def _connect_train(conductor: Conductor) -> None:
    view = conductor.window.train
    view.form.startWanted.connect(conductor.start_training)
    view.form.costAsked.connect(conductor.cost.ask)
    view.form.wrong.connect(conductor.notices.warn)
    view.data.chosen.connect(conductor.data.choose)
    view.data.lookWanted.connect(conductor.data.look)
    view.data.trainWanted.connect(conductor.train_on)
    view.data_page.showChosen.connect(conductor.data.show)
    view.data_page.attributeChosen.connect(conductor.data.narrow)
    view.data_page.pageWanted.connect(conductor.data.turn)
    view.panelChosen.connect(lambda panel: conductor.store.update(train_panel=panel))
    view.sideChosen.connect(lambda side: conductor.store.update(train_side=side))
    _connect_runs(conductor)
    _connect_curves(conductor)
    _connect_pictures(conductor)
    _connect_collapse(conductor)
    view.pauseWanted.connect(conductor.pause_shown)
    view.stopWanted.connect(conductor.stop_shown)
    view.resumeWanted.connect(conductor.resume_shown)
    view.exploreWanted.connect(conductor.explore_shown)


def _connect_curves(conductor: Conductor) -> None:
    view, curves, files = conductor.window.train.curves, conductor.curves, conductor.files
    head = view.head
    head.smoothingChanged.connect(curves.set_smoothing)
    head.logToggled.connect(curves.set_log)
    head.axisChosen.connect(curves.set_axis)
    head.logXToggled.connect(curves.set_log_x)
    head.compareToggled.connect(lambda path, on: curves.compare(Path(path), on))
    head.markedWanted.connect(lambda: curves.compare_only(conductor.state.shelf.marked))
    head.exportWanted.connect(
        lambda kind: files.export_curves_table() if kind == "csv" else files.export_curves_picture()
    )
    view.noteMade.connect(curves.set_note)
    view.metricWanted.connect(curves.show_metric)


def _connect_collapse(conductor: Conductor) -> None:
    panel, collapse, birthday = conductor.window.train.collapse, conductor.collapse, conductor.birthday
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


def _connect_check(conductor: Conductor) -> None:
    page, check = conductor.window.explore.check, conductor.check
    page.runWanted.connect(lambda names, quick: check.run(names, quick=quick))
    page.dataChosen.connect(check.set_data)
    page.folded.connect(check.unfold)
    page.closeWanted.connect(check.close)


def _connect_runs(conductor: Conductor) -> None:
    view, runs, actions = conductor.window.train, conductor.runs, conductor.run_actions
    panel, form, table = view.runs, view.form, view.compare
    panel.runChosen.connect(lambda path: runs.choose(Path(path)))
    panel.markWanted.connect(lambda path, on: runs.mark(Path(path), on))
    panel.actionWanted.connect(lambda path, action: actions.act(Path(path), action))
    panel.seen.connect(runs.see)
    panel.searched.connect(runs.search)
    panel.tagChosen.connect(runs.choose_tag)
    panel.orderChosen.connect(runs.choose_order)
    panel.compareWanted.connect(runs.compare)
    panel.attachWanted.connect(lambda: actions.choose_attached(conductor.window))
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
