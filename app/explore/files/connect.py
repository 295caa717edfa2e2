"""The keys for files and the clipboard."""

from app.core.requests import Requests
from app.core.workspace import Actions
from app.explore.files.controller import FilesController


def connect(files: FilesController, requests: Requests) -> Actions:
    """Connects what the window is asked to take in wherever it was dropped."""
    requests.filesWanted.connect(files.open_files)
    requests.pictureWanted.connect(files.take_picture)
    return {
        "photo.open": files.open_photo,
        "photo.paste": files.paste,
        "picture.copy": files.copy_picture,
        "picture.save": files.save_picture,
        "code.copy": files.copy_code,
    }
