"""The command line: `latent-loom COMMAND`, or nothing to open the window. It runs without Qt as `python -m engine.cli`.

Standard output holds the result alone (with --json, one JSON object); errors are one sentence on standard error.
Exit status: 0 done, 1 the work failed or a part of it, 2 the call was wrong.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import logging
import logging.handlers
import sys
from pathlib import Path
from typing import NoReturn

from engine import __version__
from engine.errors import Cancelled, UsageError, UserError

log = logging.getLogger(__name__)

WINDOW_OPTIONS = ("--device", "--model", "--attach")
"""Without a command these go to the window."""


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one sentence, as all of ours are."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}: see {self.prog} --help.")


def parser() -> argparse.ArgumentParser:
    """The parser made of the command tables."""
    # Imported here so that opening the window does not wait for torch.
    from engine.commands import (
        bench,
        data,
        diagnose,
        directions,
        explore,
        imports,
        lab,
        machine,
        morph,
        runs,
        timelapse,
        train,
    )

    top = _Parser(prog="latent-loom", description="Train, open and explore VAEs, GANs and flows of images.")
    top.add_argument("--version", action="version", version=f"latent-loom {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    tables = (explore, morph, directions, imports, data, train, runs, diagnose, timelapse, lab, bench, machine)
    for command in (row for table in tables for row in table.COMMANDS):
        sub = commands.add_parser(command.name, help=command.help, description=command.help)
        sub.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
        command.add_arguments(sub)
        sub.set_defaults(run_command=command.run)
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs a command, or opens the window; gives the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] in WINDOW_OPTIONS:
        return _open_window(argv)
    _log_to_file()
    try:
        args = parser().parse_args(argv)
        if args.command is None:
            raise UsageError("No command was given: see latent-loom --help.")
        result = args.run_command(args)
    except UsageError as error:
        return _say(error, 2)
    except UserError as error:
        return _say(error, 1)
    except (KeyboardInterrupt, Cancelled):
        return _say("Stopped.", 1)
    except Exception as error:
        # A bug: its traceback belongs in the log, not on the terminal.
        log.exception("the command failed")
        return _say(f"Something went wrong inside Latent Loom ({type(error).__name__}: {error}); {_where()}.", 1)
    if result.values or result.text:
        print(json.dumps(result.values, ensure_ascii=False) if args.json else result.text)
    return _say(result.problem, 1) if result.problem else 0


def _say(message: object, status: int) -> int:
    print(" ".join(str(message).split()), file=sys.stderr)
    return status


def _open_window(argv: list[str]) -> int:
    if importlib.util.find_spec("PySide6") is None:
        return _say("The window needs PySide6, which is not installed: run make setup.", 1)
    window: int = importlib.import_module("app.__main__").main(argv)
    return window


def log_file() -> Path:
    """Where tracebacks go."""
    from engine.library import home_folder

    return home_folder() / "latent-loom.log"


def _where() -> str:
    return f"the log {log_file()} says more" if log_file().exists() else "run it again to see whether it stays"


def _log_to_file() -> None:
    """Best effort: a home that cannot be written must not stop a command."""
    try:
        log_file().parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(log_file(), maxBytes=2**20, backupCount=2, encoding="utf-8")
    except OSError:
        # Without any handler, logging would print on standard error, which holds one sentence and no more.
        logging.getLogger().addHandler(logging.NullHandler())
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)


if __name__ == "__main__":
    sys.exit(main())
