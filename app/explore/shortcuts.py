"""The keys of Explore."""

from typing import Final

from app.core.shortcuts import Shortcut, ShortcutTable

SHORTCUTS: Final = ShortcutTable(
    Shortcut("photo.open", ("Ctrl+O",), "Open photo…", "Choose a photo and encode it.", "Photos"),
    Shortcut("photo.paste", ("Ctrl+V",), "Paste photo", "Encode the picture on the clipboard.", "Photos"),
    Shortcut("photo.frame", ("Ctrl+F",), "Frame photo…", "Choose a face of the photo, or click its eyes.", "Photos"),
    Shortcut("photo.face_next", ("Alt+Right",), "Next face", "Take the next face of the photo.", "Photos"),
    Shortcut("photo.face_previous", ("Alt+Left",), "Face before", "Take the face before this one.", "Photos"),
    Shortcut("photo.improve", ("Ctrl+I",), "Improve code", "Look for a code that is nearer to the photo.", "Photos"),
    Shortcut("view.photo", ("P",), "Photo or model", "The whole photo, or what the model sees of it.", "Photos"),
    Shortcut("photo.fit", ("F",), "Fit photo", "Show the whole photo.", "Photos"),
    Shortcut("photo.fill", ("Shift+F",), "Fill with photo", "Let the photo fill its room.", "Photos"),
    Shortcut("photo.one", ("Z",), "Photo 1:1", "A pixel of the photo is one of the screen.", "Photos"),
    Shortcut("picture.copy", ("Ctrl+Shift+C",), "Copy picture", "Copy the photo with its edits, or picture.", "Photos"),
    Shortcut("picture.save", ("Ctrl+S",), "Save picture…", "Save the photo with its edits, or the picture.", "Photos"),
    Shortcut("code.copy", ("Ctrl+Alt+C",), "Copy code", "Copy the current code as text, to be pasted.", "Photos"),
    Shortcut("session.open", ("Ctrl+Shift+O",), "Open session…", "Open a saved session instead of this.", "Session"),
    Shortcut("session.save", ("Ctrl+Shift+S",), "Save session…", "Keep history, photos and codes.", "Session"),
    Shortcut("session.previous", ("Ctrl+Alt+O",), "Session before", "Back to the session before this one.", "Session"),
    Shortcut("edit.undo", ("Ctrl+Z",), "Undo", "Go one step back in the history.", "Explore"),
    Shortcut("edit.redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Redo", "Go one step forward in the history.", "Explore"),
    Shortcut("levels.show", ("Alt+L",), "Levels", "Unfold or fold the levels of the code.", "Explore"),
    Shortcut("levels.swap", ("Alt+B",), "Swap levels", "Take every level from the second picture, or none.", "Explore"),
    Shortcut("levels.double", ("Alt+D",), "float64", "Compute in double precision, or in single again.", "Explore"),
    Shortcut("levels.reset", ("Alt+0",), "Reset levels", "Take the code as it comes, every level of it.", "Explore"),
    Shortcut("grid.kind", ("Alt+G",), "Kind of grid", "Samples, neighbours, manifold: the next one.", "Explore"),
    Shortcut("sample.random", ("R",), "Random seed", "Draw a new code at this temperature.", "Explore"),
    Shortcut(
        "sliders.reset", ("Ctrl+0",), "Reset sliders", "Put every attribute and direction back to zero.", "Explore"
    ),
    Shortcut("bookmark.keep", ("Ctrl+D",), "Keep as bookmark", "Keep the current picture and its sliders.", "Explore"),
    Shortcut("view.split", ("S",), "Split", "Show two states over one square, with a handle between them.", "Explore"),
    Shortcut(
        "attribute.new",
        ("Ctrl+Shift+A",),
        "New attribute…",
        "Make a slider from two groups of your photos, or a CSV of labels.",
        "Explore",
    ),
    Shortcut("model.import", ("Ctrl+Shift+I",), "Import model…", "Open a model that others made.", "Explore"),
    Shortcut("model.diagnose", ("Ctrl+Shift+J",), "Diagnose this model…", "Judge it against a data set.", "Explore"),
    Shortcut("morph.play", ("Space",), "Play morph", "Play or halt the morph between the photos.", "Explore"),
    Shortcut("morph.take", ("Ctrl+U",), "Use this place", "Make the morph's code here the current one.", "Explore"),
    Shortcut("morph.corner", ("Ctrl++", "Ctrl+="), "Add a corner", "Add another face to the morph.", "Explore"),
    Shortcut("morph.pad", ("Ctrl+Shift+D",), "Path or pad", "Switch the morph between path and pad.", "Explore"),
    Shortcut("morph.export", ("Ctrl+E",), "Export morph…", "Write the morph as GIF, WebP, MP4 or PNG.", "Explore"),
)
keys_text: Final = SHORTCUTS.keys_text
