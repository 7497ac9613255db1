"""The way in when this folder is run by path, isolated: makes the package importable by name."""

import sys
from importlib import import_module
from pathlib import Path

# Isolated mode knows no project folder. Appended, not inserted: a module of ours must never hide
# an installed one of the same name.
sys.path.append(str(Path(__file__).resolve().parent.parent))

if __name__ == "__main__":
    sys.exit(import_module("_animatic.job").main())
