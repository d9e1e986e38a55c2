"""What arguments may be."""

import os
import uuid
from typing import Union

PathLike = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
Key = Union[bytes, bytearray, memoryview]
AnId = Union[uuid.UUID, str, bytes]
AType = Union[int, str]
Text = Union[str, bytes]
