"""The command line: one module per command, which parses, calls one function and prints.

Modules import what they need when a command runs: `--help` imports no torch.
"""

import pkgutil
import sys
from collections.abc import Sequence
from importlib import import_module

from pixelwise.cli._arguments import check_command, one_value_each
from pixelwise.cli._output import print_note
from pixelwise.core.errors import Interrupted, PixelwiseError

COMMANDS = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))
"""Names of the commands: the modules of this package. Each has its function, or group of functions, as `command`."""


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point. An error that the user can correct becomes one sentence and exit code 2."""
    from tyro.conf import FlagCreatePairsOff, OmitArgPrefixes
    from tyro.extras import SubcommandApp

    words = one_value_each(sys.argv[1:] if argv is None else argv)
    try:
        check_command("pixelwise", words[:1], COMMANDS)
        app = SubcommandApp()
        for name in words[:1] if words[:1] and words[0] in COMMANDS else COMMANDS:
            module = import_module(f"pixelwise.cli.{name}")
            if words[:1] == [name] and hasattr(module, "COMMANDS"):
                check_command(f"pixelwise {name}", words[1:2], module.COMMANDS)
            app.command(module.command, name=name)
        about = "Train, evaluate and use semantic segmentation models."
        app.cli(args=words, prog="pixelwise", description=about, config=(FlagCreatePairsOff, OmitArgPrefixes))
    except KeyboardInterrupt:
        sys.exit(130)
    except PixelwiseError as error:
        print_note(f"pixelwise: {error}")
        sys.exit(130 if isinstance(error, Interrupted) else 2)
    except Exception as error:
        from pixelwise.core.user_code import error_in_user_file  # after the start: it imports pydantic

        if not (own := error_in_user_file(error)):
            raise
        print_note(f"pixelwise: {own}")
        sys.exit(2)
